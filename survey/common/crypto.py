"""Field encryption and keyed hashes for contact data.

A ciphertext is `version | key id | nonce | AES-256-GCM`. The cipher's version and the key's id are stored
with each value, so that keys rotate and another cipher (SM4-GCM) can take version 2 without a migration.
The purpose ("sampling.address") is authenticated: a value copied into another column does not decrypt.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

AES_256_GCM = 1
NONCE_BYTES = 12  # NIST SP 800-38D, section 5.2.1.1: 96 bits is the recommended length


class DecryptionError(Exception):
    """The value was altered, belongs to another column, or its key is not configured."""


@lru_cache(maxsize=4)
def _keys(spec: str) -> dict[str, AESGCM]:
    keys: dict[str, AESGCM] = {}
    for part in filter(None, (p.strip() for p in spec.split(","))):
        key_id, _, encoded = part.partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:
            raw = b""
        if not key_id or len(key_id) > 32 or len(raw) != 32:
            raise ImproperlyConfigured("MINYI_FIELD_KEYS: each entry is key-id:base64 of 32 bytes.")
        keys[key_id] = AESGCM(raw)
    if not keys:
        raise ImproperlyConfigured("MINYI_FIELD_KEYS is empty.")
    return keys


def encrypt(text: str, purpose: str) -> bytes:
    """Encrypt `text` for the column named `purpose` ("app.field") with the first configured key."""
    return encryptor(purpose)(text)


def encryptor(purpose: str) -> Callable[[str], bytes]:
    """`encrypt` for one purpose, with everything prepared that does not change from value to value."""
    keys = _keys(settings.FIELD_KEYS)
    key_id = next(iter(keys))
    header = bytes([AES_256_GCM, len(key_id)]) + key_id.encode()
    seal, authenticated, urandom = keys[key_id].encrypt, header + purpose.encode(), os.urandom

    def encrypt_one(text: str) -> bytes:
        nonce = urandom(NONCE_BYTES)
        return header + nonce + seal(nonce, text.encode(), authenticated)

    return encrypt_one


def decrypt(value: bytes | memoryview, purpose: str) -> str:
    """Open a value made by `encrypt` for the same purpose.

    Raises
    ------
    DecryptionError : altered value, other purpose, or unknown key.
    """
    data = bytes(value)
    if len(data) < 2 or data[0] != AES_256_GCM:
        raise DecryptionError("unknown cipher version")
    header_end = 2 + data[1]
    key = _keys(settings.FIELD_KEYS).get(data[2:header_end].decode(errors="replace"))
    if key is None:
        raise DecryptionError("the key of this value is not configured")
    nonce = data[header_end : header_end + NONCE_BYTES]
    try:
        return key.decrypt(
            nonce, data[header_end + NONCE_BYTES :], data[:header_end] + purpose.encode()
        ).decode()
    except Exception as exc:
        raise DecryptionError("the value does not decrypt") from exc


def key_of(value: bytes | memoryview) -> str:
    """The id of the key that a value was encrypted with. Raises DecryptionError when it is no such value."""
    data = bytes(value[: 2 + 255])
    if len(data) < 2 or data[0] != AES_256_GCM:
        raise DecryptionError("unknown cipher version")
    return data[2 : 2 + data[1]].decode(errors="replace")


def keyed_hash(text: str, purpose: str) -> str:
    """HMAC-SHA-256 (64 hex characters) of `text`, separate for each purpose; equal texts, equal hashes."""
    return keyed_hasher(purpose)(text)


def keyed_hasher(purpose: str) -> Callable[[str], str]:
    """`keyed_hash` for one purpose; the key is worked in once."""
    begun = hmac.new(settings.HASH_KEY.encode(), purpose.encode() + b"\x00", hashlib.sha256)

    def hash_one(text: str) -> str:
        keyed = begun.copy()
        keyed.update(text.encode())
        return keyed.hexdigest()

    return hash_one


def same(a: str, b: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(a.encode(), b.encode())
