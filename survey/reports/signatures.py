"""The office's signature on a result document: with the public key anybody can tell a forged copy."""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from survey.common.canonical import canonical_json
from survey.sampling.signing import current_key, sign


def sign_document(document: dict[str, Any]) -> dict[str, str]:
    """{"algorithm", "public_key", "value"} over the document's canonical JSON. Inside a transaction."""
    return sign(document, current_key().public_key)


def is_genuine(document: dict[str, Any], signature: dict[str, str]) -> bool:
    """Whether the signature is of this very document, by the key that it names."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
        key.verify(bytes.fromhex(signature["value"]), canonical_json(document))
    except (KeyError, ValueError, InvalidSignature):
        return False
    return True
