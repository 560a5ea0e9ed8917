"""The seal on what a phone sends: only the round's server key opens it, whoever carries it. Pure.

Scheme "minyi-seal-1" (docs/field-sync.md; the phone's half is static/fieldwork/app/sealing.js):

1. The phone makes an ephemeral P-256 pair for each seal; Z is the ECDH secret with the round's public key.
2. key = HKDF-SHA-256(Z, salt = ephemeral point | server point, info = NAME | key id | item id), 32 bytes
   (RFC 5869). Points are uncompressed, 65 bytes (SEC 1, 2.3.3).
3. The text, gzipped when `zip` is 1, goes through AES-256-GCM with 12 random bytes and `info` as additional
   data: a seal moved to another item or round does not open.
"""

import base64
import binascii
import gzip
import io
import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NAME = "minyi-seal-1"
POINT_BYTES, KEY_BYTES, NONCE_BYTES = 65, 32, 12
MAX_TEXT_BYTES = 4 * 1024 * 1024  # of one opened item; a photo is at most 400 kB on the phone


class SealError(ValueError):
    """The seal is malformed, was altered, or belongs to another key or item."""


def new_private_key() -> int:
    """The private half of a new pair, as the number that it is."""
    return ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value


def public_point(private_key: int) -> bytes:
    """The public half: an uncompressed point."""
    return _point(ec.derive_private_key(private_key, ec.SECP256R1()).public_key())


def seal(text: bytes, *, public_key: bytes, key_id: str, item_id: str, zipped: bool = True) -> dict[str, Any]:
    """Seal as a phone does. Used by scripted clients; the server only opens."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    server = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    point = _point(ephemeral.public_key())
    info = _info(key_id, item_id)
    key = _derive(ephemeral.exchange(ec.ECDH(), server), point + public_key, info)
    nonce = os.urandom(NONCE_BYTES)
    body = gzip.compress(text, compresslevel=6, mtime=0) if zipped else text
    sealed = AESGCM(key).encrypt(nonce, body, info)
    return {"epk": _text(point), "iv": _text(nonce), "ct": _text(sealed), "zip": int(zipped)}


def open_seal(sealed: Mapping[str, Any], *, private_key: int, key_id: str, item_id: str) -> bytes:
    """The sealed text.

    Raises
    ------
    SealError
    """
    try:
        point, nonce, body = (base64.b64decode(sealed[name], validate=True) for name in ("epk", "iv", "ct"))
        if len(point) != POINT_BYTES or len(nonce) != NONCE_BYTES:
            raise SealError("wrong lengths")
        own = ec.derive_private_key(private_key, ec.SECP256R1())
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        info = _info(key_id, item_id)
        key = _derive(own.exchange(ec.ECDH(), theirs), point + _point(own.public_key()), info)
        text = AESGCM(key).decrypt(nonce, body, info)
        return unzip(text) if sealed.get("zip") else text
    except (KeyError, TypeError, ValueError, binascii.Error, InvalidTag) as error:
        raise SealError(str(error) or type(error).__name__) from None


def unzip(packed: bytes, limit: int = MAX_TEXT_BYTES) -> bytes:
    """Gunzip, never more than `limit` bytes.

    Raises
    ------
    ValueError : no gzip, cut short, or too long.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            text = stream.read(limit + 1)
    except (OSError, EOFError) as error:
        raise ValueError(str(error)) from None
    if len(text) > limit:
        raise ValueError("too long")
    return text


def pack(sealed: Mapping[str, Any]) -> bytes:
    """How a seal is stored: the four fields as they came."""
    return json.dumps({name: sealed[name] for name in ("epk", "iv", "ct", "zip")}, sort_keys=True).encode()


def _info(key_id: str, item_id: str) -> bytes:
    return f"{NAME}|{key_id}|{item_id}".encode()


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
