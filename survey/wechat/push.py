"""Reads what WeChat (or anyone pretending to be WeChat) posts to the callback. Pure: no Django.

Whatever arrives, the answer is a dictionary of the checked fields or a `ParseError`.
"""

import json
import re
from typing import Any
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import ParseError as XmlError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

# Tencent's largest documented text is 2 KB; events with nested lists stay far below this cap.
MAX_PUSH_BYTES = 64 * 1024
# xml > SendPicsInfo > PicList > item > PicMd5Sum is the deepest nesting in the protocol file, section 3.
MAX_DEPTH = 8
COMMON_FIELDS = ("ToUserName", "FromUserName", "CreateTime", "MsgType")
_DIGITS = re.compile(r"[0-9]{1,12}")
_SURROGATE = re.compile("[\ud800-\udfff]")
LATEST_TIME = 4_102_444_800  # 2100-01-01


class ParseError(ValueError):
    """The body is not a WeChat push. The message says what is wrong and holds nothing of the body."""


def parse_push(body: bytes, max_bytes: int = MAX_PUSH_BYTES) -> dict[str, Any]:
    """Read one push into text fields; repeated elements become a list, nested ones a dictionary.

    A plain push carries the four common fields (and `Event` when MsgType is event); one in secure mode
    carries `Encrypt`, and in compatible mode both. `MsgId` stays text: it has 64 bits.

    Raises
    ------
    ParseError : too large, not well-formed, a document type or an entity, too deep, a field missing.
    """
    fields = read_json(body, max_bytes) if body.lstrip()[:1] == b"{" else read_xml(body, max_bytes)
    _check_fields(fields)
    return fields


def read_json(body: bytes, max_bytes: int = MAX_PUSH_BYTES) -> dict[str, Any]:
    """Read the body of an account whose data format is JSON; numbers become text, as they are in XML.

    Raises
    ------
    ParseError : too large, not a JSON object, too deep.
    """
    if len(body) > max_bytes:
        raise ParseError(f"larger than {max_bytes} bytes")
    try:
        given = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise ParseError("not well-formed JSON") from None
    if not isinstance(given, dict):
        raise ParseError("the message has no fields")
    return _plain(given, depth=1)


def _plain(value: Any, depth: int) -> Any:
    """JSON's values as XML would have them: text, dictionaries and lists."""
    if depth > MAX_DEPTH:
        raise ParseError("nested too deep")
    if isinstance(value, dict):
        return {_plain(name, depth): _plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    text = value if isinstance(value, str) else "" if value is None else str(value)
    # XML cannot hold either; databases refuse the one, UTF-8 the other.
    if "\x00" in text or _SURROGATE.search(text):
        raise ParseError("characters that no text has")
    return text


def read_xml(body: bytes, max_bytes: int = MAX_PUSH_BYTES) -> dict[str, Any]:
    """Read any `<xml>` body of Tencent's without asking which fields it has; see `parse_push`.

    Raises
    ------
    ParseError : too large, not well-formed, a document type or an entity, too deep.
    """
    if len(body) > max_bytes:
        raise ParseError(f"larger than {max_bytes} bytes")
    try:
        root = fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise ParseError("document types and entities are refused") from None
    except (XmlError, ValueError, LookupError):
        # ValueError and LookupError: an encoding that expat or Python does not know
        raise ParseError("not well-formed XML") from None
    if root.tag != "xml":
        raise ParseError("the root element is not <xml>")
    fields = _content(root, depth=1)
    if not isinstance(fields, dict):
        raise ParseError("the message has no fields")
    return fields


def _content(element: Element, depth: int) -> Any:
    """Text of a leaf, or a dictionary of the children."""
    if depth > MAX_DEPTH:
        raise ParseError("nested too deep")
    if len(element) == 0:
        return element.text or ""
    fields: dict[str, Any] = {}
    for child in element:
        value = _content(child, depth + 1)
        if child.tag not in fields:
            fields[child.tag] = value
        elif isinstance(fields[child.tag], list):
            fields[child.tag].append(value)
        else:
            fields[child.tag] = [fields[child.tag], value]
    return fields


def _check_fields(fields: dict[str, Any]) -> None:
    if "Encrypt" in fields and "MsgType" not in fields:
        required = ("Encrypt",)
    else:
        required = COMMON_FIELDS + (("Event",) if fields.get("MsgType") == "event" else ())
    for name in required:
        value = fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise ParseError(f"{name} is missing, empty or given twice")
    if "CreateTime" in required and not _DIGITS.fullmatch(fields["CreateTime"]):
        raise ParseError("CreateTime is not a number of seconds")
    if "CreateTime" in required and int(fields["CreateTime"]) > LATEST_TIME:
        raise ParseError("CreateTime is not a moment of our time")


def kind_of(fields: dict[str, Any]) -> str:
    """ "text", "image" … for messages; "event:subscribe" and the like for events."""
    kind = fields["MsgType"].strip()
    return f"event:{fields['Event'].strip()}" if kind == "event" else kind


def author_of(fields: dict[str, Any]) -> str:
    """The openid of whom it is about.

    Where a user withdraws her authorisation, FromUserName is the platform and OpenID the user (section 3).
    """
    openid = fields.get("OpenID")
    return openid if isinstance(openid, str) and openid else fields["FromUserName"]


def identity_of(fields: dict[str, Any]) -> str:
    """What makes two pushes the same one: the message's id, or an event's fields (section 3).

    Tencent's further tries repeat the body; timestamp, nonce and signature are new each time.
    """
    if fields["MsgType"].strip() != "event":
        number = fields.get("MsgId") or fields.get("MsgID")
        return f"message|{json.dumps(number or fields, ensure_ascii=False, sort_keys=True)}"
    named = ("Event", "FromUserName", "OpenID", "CreateTime", "EventKey", "MsgID", "MsgId", "Ticket")
    parts = {name: fields[name] for name in named if name in fields}
    parts |= {name: value for name, value in fields.items() if isinstance(value, dict | list)}
    return "event|" + json.dumps(parts, ensure_ascii=False, sort_keys=True)
