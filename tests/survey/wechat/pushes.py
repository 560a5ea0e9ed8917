"""Tencent's side of the callback, computed with hashlib and cryptography only, never by what it checks."""

import base64
import hashlib
import os
import time
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.test import Client

TOKEN = "callbacktoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_message_ids = iter(range(7_000_000_000_000_000_000, 8_000_000_000_000_000_000))


def text(openid: str, content: str, **more: Any) -> dict[str, Any]:
    """A text message with an id of its own."""
    head = {"ToUserName": "gh_1", "FromUserName": openid, "CreateTime": str(int(time.time()))}
    return {**head, "MsgType": "text", "Content": content, "MsgId": str(next(_message_ids)), **more}


def event(openid: str, name: str, **more: Any) -> dict[str, Any]:
    """An event; `more` are its own fields (nested ones as dictionaries)."""
    head = {"ToUserName": "gh_1", "FromUserName": openid, "CreateTime": str(int(time.time()))}
    return {**head, "MsgType": "event", "Event": name, **more}


def to_xml(fields: dict[str, Any], root: str = "xml") -> bytes:
    def add(parent, name, value):
        for one in value if isinstance(value, list) else [value]:
            child = ElementTree.SubElement(parent, name)
            if isinstance(one, dict):
                for inner, content in one.items():
                    add(child, inner, content)
            else:
                child.text = str(one)

    top = ElementTree.Element(root)
    for name, value in fields.items():
        add(top, name, value)
    return ElementTree.tostring(top, encoding="utf-8")


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def _cipher() -> Cipher:
    key = base64.b64decode(AES_KEY + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def seal(plain: bytes, app_id: str) -> str:
    content = os.urandom(16) + len(plain).to_bytes(4, "big") + plain + app_id.encode()
    count = 32 - len(content) % 32
    encryptor = _cipher().encryptor()
    return base64.b64encode(
        encryptor.update(content + bytes([count]) * count) + encryptor.finalize()
    ).decode()


def unseal(sealed: str) -> bytes:
    decryptor = _cipher().decryptor()
    content = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    length = int.from_bytes(content[16:20], "big")
    return content[20 : 20 + length]


@dataclass
class Tencent:
    """Posts pushes to an account's callback, in any of the three modes."""

    client: Client
    slug: str
    app_id: str

    def query(self, token: str = TOKEN, age: int = 0, timestamp: str | None = None) -> dict[str, str]:
        stamp = str(int(time.time()) - age) if timestamp is None else timestamp
        return {"signature": sign(token, stamp, "nonce1"), "timestamp": stamp, "nonce": "nonce1"}

    def verify(self, echo: str, **options: Any):
        return self.client.get(f"/wechat/{self.slug}/", {**self.query(**options), "echostr": echo})

    def post(
        self,
        fields: dict[str, Any],
        *,
        mode: str = "plain",
        token: str = TOKEN,
        age: int = 0,
        timestamp: str | None = None,
        alter: bool = False,
        msg_signature: str | None = None,
    ):
        query = {**self.query(token, age, timestamp), "openid": str(fields.get("FromUserName"))}
        body = to_xml(fields)
        if mode != "plain":
            sealed = seal(body, self.app_id)
            signed = sign(token, query["timestamp"], query["nonce"], sealed)
            query |= {"encrypt_type": "aes", "msg_signature": msg_signature or signed}
            sealed = sealed[:-6] + "AAAAA=" if alter else sealed
            shown = fields if mode == "compatible" else {"ToUserName": fields["ToUserName"]}
            body = to_xml({**shown, "Encrypt": sealed})
        return self.post_raw(body, **query)

    def post_raw(self, body: bytes, **query: str):
        address = f"/wechat/{self.slug}/"
        return self.client.post(
            address, data=body, content_type="text/xml", query_params={**self.query(), **query}
        )

    def read(self, answer) -> dict[str, str]:
        """The fields of a passive reply; an encrypted one is proven and opened first."""
        assert answer.status_code == 200
        fields = {child.tag: child.text for child in ElementTree.fromstring(answer.content)}
        if "Encrypt" not in fields:
            return fields
        signed = sign(TOKEN, fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
        assert signed == fields["MsgSignature"]
        return {child.tag: child.text for child in ElementTree.fromstring(unseal(fields["Encrypt"]))}
