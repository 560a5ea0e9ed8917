"""What is fixed before a draw, and how the seed follows from it: "minyi-commitment-1". Pure.

The commitment names the design, its plan, the frame, the algorithms and the hash of a 256-bit secret. Its
canonical JSON is hashed; the seed is SHA-256(secret ‖ beacon ‖ commitment hash), the beacon in UTF-8 (empty
when the draw has none) and the hash as 32 bytes. So the seed was not chosen: another secret, design or
frame has another commitment.
"""

import hashlib
from typing import Any

from survey.common.canonical import sha256_of

FORMAT = "minyi-commitment-1"
SECRET_BYTES = 32


def make_commitment(
    *,
    algorithms: dict[str, str],
    design_hash: str,
    plan_hash: str,
    frame_hash: str,
    secret: bytes,
    draw_number: int,
    beacon_name: str = "",
) -> dict[str, Any]:
    """The commitment as a JSON object. `algorithms`: {"draw", "stream", "frame"} with their versions."""
    return {
        "format": FORMAT,
        "algorithms": algorithms,
        "design_hash": design_hash,
        "plan_hash": plan_hash,
        "frame_hash": frame_hash,
        "secret_hash": hash_secret(secret),
        "draw_number": draw_number,
        "beacon_name": beacon_name,
    }


def hash_secret(secret: bytes) -> str:
    """Hex SHA-256 of the secret, published before the draw."""
    return hashlib.sha256(secret).hexdigest()


def hash_commitment(commitment: dict[str, Any]) -> str:
    """Hex SHA-256 of the commitment's canonical JSON."""
    return sha256_of(commitment)


def derive_seed(*, secret: bytes, beacon: str, commitment_hash: str) -> bytes:
    """The draw's 32-byte seed."""
    return hashlib.sha256(secret + beacon.encode() + bytes.fromhex(commitment_hash)).digest()
