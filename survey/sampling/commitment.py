"""What is fixed and published before a draw, and how the seed follows from it: "minyi-commitment-2". Pure.

The commitment names the round, the design, its plan, the frame, the algorithms, the hashes of the parties'
256-bit secrets, a public random number that nobody knows yet (the beacon), the day by which everything is
revealed, and the key that will sign the certificate. It holds nothing secret. Its canonical JSON is what a
third party stamps; its SHA-256 is the commitment hash. The seed is

    SHA-256(secret of party 1 ‖ … ‖ secret of the last party ‖ beacon in UTF-8 ‖ commitment hash as 32 bytes)

so nobody chose it: not the office, which did not know the beacon, and not whoever runs the beacon, who did
not know the secrets. Draws of release 1 ("minyi-commitment-1") have one secret and an empty beacon.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from survey.common.canonical import sha256_of

FORMAT = "minyi-commitment-2"
SECRET_BYTES = 32


def make_commitment(
    *,
    algorithms: dict[str, str],
    study: str,
    round_name: str,
    draw_number: int,
    design_hash: str,
    plan_hash: str,
    frame_hash: str,
    parties: Sequence[tuple[int, str, str]],
    beacon: tuple[str, str, datetime],
    reveal_by: date,
    public_key: str,
) -> dict[str, Any]:
    """The commitment as a JSON object.

    Parameters
    ----------
    algorithms : {"draw", "stream", "frame"} with their versions.
    parties : (number, name, hex SHA-256 of the secret), by number.
    beacon : (kind, exact name, not known before).
    public_key : hex Ed25519 key that signs this draw's certificates.
    """
    kind, name, not_before = beacon
    return {
        "format": FORMAT,
        "algorithms": algorithms,
        "study": study,
        "round": round_name,
        "draw_number": draw_number,
        "design_hash": design_hash,
        "plan_hash": plan_hash,
        "frame_hash": frame_hash,
        "parties": [
            {"number": number, "name": who, "secret_hash": digest} for number, who, digest in parties
        ],
        "beacon": {"kind": kind, "name": name, "not_before": utc_text(not_before)},
        "reveal_by": reveal_by.isoformat(),
        "public_key": public_key,
    }


def utc_text(moment: datetime) -> str:
    """A moment as commitments and certificates write it: "2026-11-23T13:15:00Z", whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hash_secret(secret: bytes) -> str:
    """Hex SHA-256 of a secret, published before the draw."""
    return hashlib.sha256(secret).hexdigest()


def hash_commitment(commitment: dict[str, Any]) -> str:
    """Hex SHA-256 of the commitment's canonical JSON."""
    return sha256_of(commitment)


def derive_seed(*, secrets: Sequence[bytes], beacon: str, commitment_hash: str) -> bytes:
    """The draw's 32-byte seed. `secrets` in the order of the parties."""
    return hashlib.sha256(b"".join(secrets) + beacon.encode() + bytes.fromhex(commitment_hash)).digest()
