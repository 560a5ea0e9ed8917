"""The office's Ed25519 keys: they sign certificates, so that a copy cannot be altered on its way.

A commitment names the key of its draw, so whoever holds a stamped commitment knows the right key. A retired
key still signs the certificates of the draws that named it, and nothing else.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import SYSTEM, Actor, record
from survey.common.canonical import canonical_json
from survey.common.clock import now
from survey.common.crypto import DecryptionError, decrypt, encrypt
from survey.common.errors import Problem
from survey.sampling.models import SigningKey

PURPOSE = "sampling.signing_key"
ALGORITHM = "Ed25519"


def current_key() -> SigningKey:
    """The key that new commitments name; made on first use. Must run inside a transaction."""
    key = (
        SigningKey.objects.select_for_update().filter(retired_at=None).order_by("-created_at", "-pk").first()
    )
    return key or _make_key(SYSTEM)


def rotate_key(*, acting_user: Actor) -> SigningKey:
    """Retire the key in use and make another. Draws that are committed keep the key that they named."""
    with transaction.atomic():
        SigningKey.objects.filter(retired_at=None).update(retired_at=now())
        return _make_key(acting_user)


def sign(document: dict[str, Any], public_key: str) -> dict[str, str]:
    """The signature object of a certificate: over the canonical JSON of the document without `signature`.

    Raises
    ------
    Problem common.not_found : this installation does not hold the key.
    Problem common.locked : it holds it, but cannot open it.
    """
    key = SigningKey.objects.filter(public_key=public_key).first()
    if key is None:
        raise Problem("common.not_found")
    try:
        raw = bytes.fromhex(decrypt(key.private_cipher, PURPOSE))
    except DecryptionError as error:
        raise Problem("common.locked", what=_("签名用的密钥")) from error
    body = {name: value for name, value in document.items() if name != "signature"}
    signature = Ed25519PrivateKey.from_private_bytes(raw).sign(canonical_json(body))
    return {"algorithm": ALGORITHM, "public_key": public_key, "value": signature.hex()}


def _make_key(acting_user: Actor) -> SigningKey:
    with transaction.atomic():
        private = Ed25519PrivateKey.generate()
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        key = SigningKey.objects.create(public_key=public, private_cipher=encrypt(raw.hex(), PURPOSE))
        record(
            action="sampling.signing_key.made",
            acting_user=acting_user,
            target=key,
            detail={"public_key": public},
        )
    return key
