"""Reads what WeChat (or anyone pretending to be WeChat) posts to the callback. Pure: no Django.

Whatever arrives, the answer is a dictionary of the checked fields or a `ParseError`.
"""

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
    fields = read_xml(body, max_bytes)
    _check_fields(fields)
    return fields


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
