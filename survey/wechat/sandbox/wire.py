"""Tencent's side of the push: XML, signature, encryption. Written from the protocol file, sections 1 to 3,
and shared with nobody: the product's own code is what it tests."""

import base64
import hashlib
import os
import re
import struct
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

BLOCK = 32  # [D oplatform Technical_Plan]
MODES = PLAIN, COMPATIBLE, SECURE = "plain", "compatible", "secure"
# What Tencent writes as numbers, without CDATA, in its examples.
_NUMBERS = frozenset({"CreateTime", "MsgId", "MsgID", "ArticleCount", "ErrorCode"})


class Unreadable(Exception):
    """The account's answer is not what Tencent would take."""


def sha1(text: str) -> str:
    """Hex SHA-1."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def signature(*parts: str) -> str:
    """SHA-1 of the parts sorted as strings."""
    return sha1("".join(sorted(parts)))


def to_xml(fields: dict[str, Any], tag: str = "xml") -> str:
    """Fields as Tencent writes them; a list repeats its element, a dictionary nests."""
    return f"<{tag}>{''.join(_element(name, value) for name, value in fields.items())}</{tag}>"


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    if isinstance(value, dict):
        return to_xml(value, name)
    if name in _NUMBERS:
        return f"<{name}>{value}</{name}>"
    text = str(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{text}]]></{name}>"


def from_xml(body: bytes) -> dict[str, Any]:
    """The fields of an answer.

    Raises
    ------
    Unreadable : not an `<xml>` element.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise Unreadable("not XML") from None
    if root.tag != "xml":
        raise Unreadable("the root is not <xml>")
    return {child.tag: _value(child) for child in root}


def _value(element: Any) -> Any:
    if len(element) == 0:
        return element.text or ""
    items = [(child.tag, _value(child)) for child in element]
    if {name for name, _ in items} == {"item"}:
        return [value for _, value in items]
    return dict(items)


def _cipher(aes_key: str) -> Cipher:
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def encrypt(text: str, aes_key: str, app_id: str) -> str:
    """random(16) | length | text | appid, padded to 32 bytes, AES-256-CBC."""
    message = text.encode()
    plain = os.urandom(16) + struct.pack(">I", len(message)) + message + app_id.encode()
    pad = BLOCK - len(plain) % BLOCK
    worker = _cipher(aes_key).encryptor()
    return base64.b64encode(worker.update(plain + bytes([pad]) * pad) + worker.finalize()).decode()


def decrypt(ciphertext: str, aes_key: str, app_id: str) -> str:
    """The text of an encrypted answer.

    Raises
    ------
    Unreadable : it does not open, or it was made for another account.
    """
    try:
        worker = _cipher(aes_key).decryptor()
        plain = worker.update(base64.b64decode(ciphertext)) + worker.finalize()
        plain = plain[: -plain[-1]]
        (length,) = struct.unpack(">I", plain[16:20])
        if plain[20 + length :].decode() != app_id:
            raise Unreadable("made for another AppID")
        return plain[20 : 20 + length].decode()
    except (ValueError, IndexError, struct.error):
        raise Unreadable("does not decrypt") from None


def is_aes_key(text: str) -> bool:
    """43 letters and digits [D]."""
    return re.fullmatch(r"[A-Za-z0-9]{43}", text) is not None


def is_token(text: str) -> bool:
    """3 to 32 letters and digits [M]."""
    return re.fullmatch(r"[A-Za-z0-9]{3,32}", text) is not None
