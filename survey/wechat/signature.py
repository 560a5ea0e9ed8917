"""WeChat's signatures and message encryption, pure: no Django, no network, no clock.

Facts and their certainty are in docs/wechat-sandbox.md; the proof is `python -m tests.wechat_vectors`.
Every comparison with a secret is constant-time; every refusal is a `SignatureError`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Tencent pads to 32 bytes, not to AES's 16 (open platform, Technical_Plan).
MESSAGE_BLOCK_BYTES = 32
RANDOM_BYTES = 16
_LENGTH_BYTES = 4
_AES_BLOCK_BYTES = 16
_ENCODED_KEY = re.compile(r"[A-Za-z0-9]{43}")


class SignatureError(Exception):
    """A message that is not what it claims to be."""


class InvalidSignature(SignatureError):
    """The signature does not belong to this content and token."""


class InvalidAppId(SignatureError):
    """The message was encrypted for another account."""


class Undecryptable(SignatureError):
    """The ciphertext does not open with this key."""


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())


def message_signature(*parts: str) -> str:
    """SHA-1 (hex) of the parts sorted as strings, "456" after "123", "1320" before "spamtest".

    With token, timestamp, nonce it is the `signature` of each push; with the ciphertext as a fourth part
    it is `msg_signature`.
    """
    return _sha1("".join(sorted(parts)))


def check_server_signature(*, token: str, timestamp: str, nonce: str, signature: str) -> None:
    """Check the `signature` that WeChat adds to the address check and to every plain push.

    Raises
    ------
    InvalidSignature : it does not match.
    """
    if not _same(message_signature(token, timestamp, nonce), signature):
        raise InvalidSignature("signature does not match")


def decode_aes_key(encoding_aes_key: str) -> bytes:
    """The 32 key bytes behind the 43 characters of EncodingAESKey.

    Raises
    ------
    ValueError : not 43 letters and digits.
    """
    if not _ENCODED_KEY.fullmatch(encoding_aes_key):
        raise ValueError("EncodingAESKey has 43 letters and digits")
    return base64.b64decode(encoding_aes_key + "=")


def _aes_cbc(key: bytes, iv: bytes) -> Cipher:
    return Cipher(algorithms.AES(key), modes.CBC(iv))


def _decrypt_padded(key: bytes, iv: bytes, sealed: str, block_bytes: int) -> bytes:
    """Decrypt base64 text and take off PKCS#7 padding of up to `block_bytes`."""
    try:
        ciphertext = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise Undecryptable("the ciphertext is not base64") from None
    if not ciphertext or len(ciphertext) % _AES_BLOCK_BYTES:
        raise Undecryptable("the ciphertext is not whole AES blocks")
    decryptor = _aes_cbc(key, iv).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    count = padded[-1]
    if not 1 <= count <= min(block_bytes, len(padded)) or padded[-count:] != bytes([count]) * count:
        raise Undecryptable("the padding is wrong: another key, or altered on the way")
    return padded[:-count]


def seal_message(plain: str, *, aes_key: bytes, receiver_id: str, random16: bytes | None = None) -> str:
    """Encrypt a message or a reply; base64 text for the `Encrypt` element.

    `receiver_id` is the app id (企业微信: the corp id). `random16` is given only to reproduce a known
    ciphertext; otherwise 16 fresh random bytes lead, so that equal messages differ.
    """
    lead = os.urandom(RANDOM_BYTES) if random16 is None else random16
    if len(lead) != RANDOM_BYTES:
        raise ValueError("random16 has 16 bytes")
    body = plain.encode()
    content = lead + len(body).to_bytes(_LENGTH_BYTES, "big") + body + receiver_id.encode()
    count = MESSAGE_BLOCK_BYTES - len(content) % MESSAGE_BLOCK_BYTES
    encryptor = _aes_cbc(aes_key, aes_key[:16]).encryptor()
    return base64.b64encode(
        encryptor.update(content + bytes([count]) * count) + encryptor.finalize()
    ).decode()


def open_message(sealed: str, *, aes_key: bytes, receiver_id: str) -> str:
    """Decrypt the `Encrypt` element without looking at a signature; `decrypt_message` does both.

    Raises
    ------
    Undecryptable : another key, altered, or not UTF-8.
    InvalidAppId : encrypted for another account.
    """
    content = _decrypt_padded(aes_key, aes_key[:16], sealed, MESSAGE_BLOCK_BYTES)
    start = RANDOM_BYTES + _LENGTH_BYTES
    end = start + int.from_bytes(content[RANDOM_BYTES:start], "big")
    if len(content) < start or end > len(content):
        raise Undecryptable("the stated length does not fit")
    if not hmac.compare_digest(content[end:], receiver_id.encode()):
        raise InvalidAppId("the message belongs to another account")
    try:
        return content[start:end].decode()
    except UnicodeDecodeError:
        raise Undecryptable("the message is not UTF-8") from None


def decrypt_message(
    sealed: str,
    *,
    token: str,
    aes_key: bytes,
    receiver_id: str,
    timestamp: str,
    nonce: str,
    msg_signature: str,
) -> str:
    """Check `msg_signature`, then decrypt. The signature comes first: nothing unproven is decrypted.

    Raises
    ------
    InvalidSignature, Undecryptable, InvalidAppId
    """
    if not _same(message_signature(token, timestamp, nonce, sealed), msg_signature):
        raise InvalidSignature("msg_signature does not match")
    return open_message(sealed, aes_key=aes_key, receiver_id=receiver_id)


def jssdk_signature(*, ticket: str, noncestr: str, timestamp: str | int, url: str) -> str:
    """The signature of `wx.config` (JS-SDK documentation, appendix 1).

    The url is signed as the page has it, not URL-encoded, without its fragment.
    """
    page = url.partition("#")[0]
    return _sha1(f"jsapi_ticket={ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}")


def rawdata_signature(raw_data: str, session_key: str) -> str:
    """The mini-program's signature over `rawData`."""
    return _sha1(raw_data + session_key)


def decrypt_miniapp_data(encrypted_data: str, *, session_key: str, iv: str, app_id: str) -> dict[str, Any]:
    """Open a mini-program's `encryptedData` (AES-128-CBC, PKCS#7 to 16 bytes).

    Raises
    ------
    Undecryptable : another session key, altered, or not a JSON object.
    InvalidAppId : its watermark names another account.
    """
    try:
        key, start = base64.b64decode(session_key, validate=True), base64.b64decode(iv, validate=True)
    except (binascii.Error, ValueError):
        raise Undecryptable("session_key or iv is not base64") from None
    if len(key) != _AES_BLOCK_BYTES or len(start) != _AES_BLOCK_BYTES:
        raise Undecryptable("session_key and iv have 16 bytes each")
    plain = _decrypt_padded(key, start, encrypted_data, _AES_BLOCK_BYTES)
    try:
        data = json.loads(plain)
        owner = data["watermark"]["appid"]
    except (ValueError, KeyError, TypeError):
        raise Undecryptable("the data is not a JSON object with a watermark") from None
    if not isinstance(owner, str) or not _same(owner, app_id):
        raise InvalidAppId("the data belongs to another mini-program")
    return data
