"""Reads the time stamps of RFC 3161: what was stamped, and when. Pure.

The stamped file is the commitment's canonical JSON, so its SHA-256 is the commitment hash itself:
`openssl ts -query -data commitment.json -sha256 -cert` makes the request. Whose signature the answer bears
is not judged here, for this machine has no list of trusted authorities: `openssl ts -verify` does that with
the authority's own certificate (docs/verifiable-draw.md).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from rfc3161_client import PKIStatus, decode_timestamp_response

SHA256_OID = "2.16.840.1.101.3.4.2.1"  # RFC 5754, section 2.2
GRANTED = (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS)


class UnreadableToken(Exception):
    """`reason`: "format", "refused" (the authority did not stamp), "algorithm" or "other_content"."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Stamp:
    """What an authority says: these 32 bytes existed at this time. `serial`: its own number of the stamp."""

    stamped_at: datetime
    serial: int


def read_stamp(response: bytes, commitment_hash: str) -> Stamp:
    """The stamp in a DER TimeStampResp over exactly this commitment.

    Raises
    ------
    UnreadableToken
    """
    try:
        answer = decode_timestamp_response(response)
        status = answer.status
    except ValueError as error:
        raise UnreadableToken("format") from error
    if status not in GRANTED:
        raise UnreadableToken("refused")
    try:
        info = answer.tst_info
        imprint, moment = info.message_imprint, info.gen_time
    except ValueError as error:
        raise UnreadableToken("format") from error
    if imprint.hash_algorithm.dotted_string != SHA256_OID:
        raise UnreadableToken("algorithm")
    if imprint.message.hex() != commitment_hash:
        raise UnreadableToken("other_content")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # GeneralizedTime of RFC 3161, section 2.4.2, is always UTC
    return Stamp(moment, info.serial_number)
