"""The certificate of a draw: everything that anyone needs to do it again, signed ("minyi-certificate-1").

It grows with its draw. Stage "committed": the commitment with all that it points to (design, plan, PSUs, the
communities of the frame with their counts and roots), time stamps, and every commitment of the round. Stage
"drawn": also the beacon's value and the hash of the result. Stage "revealed", after the field has closed:
also the secrets, the seed and the result with its opaque ids. Format: docs/verifiable-draw.md.
"""

import base64
from fractions import Fraction
from typing import Any

from survey.common.canonical import canonical_json, sha256_of
from survey.common.errors import Problem
from survey.sampling.beacons import public_address
from survey.sampling.commitment import FORMAT as COMMITMENT_FORMAT
from survey.sampling.commitment import utc_text
from survey.sampling.frame_trees import recorded_roots
from survey.sampling.models import PSU, Draw
from survey.sampling.public import public_state
from survey.sampling.selection import exact
from survey.sampling.services.draws import party_secrets
from survey.sampling.signing import sign
from survey.sampling.spec import takes_of

FORMAT = "minyi-certificate-1"
COMMITTED, DRAWN, REVEALED = "committed", "drawn", "revealed"
UNSIGNED_PARTS = ("fingerprints", "signature")


def certificate_of(draw: Draw) -> dict[str, Any]:
    """The certificate as far as the draw has come: the one that was revealed, or one made and signed now.

    Raises
    ------
    Problem sampling.frame_old : the draw was committed by release 1 and has no certificate.
    """
    if draw.certificate:
        return draw.certificate
    return make_certificate(draw, DRAWN if draw.drawn_at is not None else COMMITTED)


def commitment_file(draw: Draw) -> bytes:
    """What a third party stamps: the commitment's canonical JSON. Its SHA-256 is the commitment hash."""
    return canonical_json(draw.commitment)


def make_certificate(draw: Draw, stage: str) -> dict[str, Any]:
    """A signed certificate of a stage. "revealed" opens the secrets: only `reveal_draw` asks for it."""
    if draw.commitment.get("format") != COMMITMENT_FORMAT:
        raise Problem("sampling.frame_old")
    document = {
        "format": FORMAT,
        "stage": stage,
        "commitment": draw.commitment,
        "commitment_hash": draw.commitment_hash,
        "spec": draw.design.spec,
        "plan": draw.design.plan,
        "psus": _psus(draw),
        "frame": _frame(draw),
        "timestamps": _timestamps(draw),
        "commits": _commits(draw),
    }
    if stage != COMMITTED:
        source = public_address(draw.beacon_kind, draw.beacon_name)
        document["beacon"] = {"value": draw.beacon, "source": source}
        document["result_hash"] = draw.result_hash
    if stage == REVEALED:
        document["secrets"] = [secret.hex() for secret in party_secrets(draw)]
        document["seed"] = draw.seed
        document["result"] = _result(draw)
        document["replicates"] = _replicates(draw)
    document["fingerprints"] = fingerprints(document)
    return {**document, "signature": sign(document, draw.commitment["public_key"])}


def fingerprints(document: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of each part, so that an altered certificate says which: "plan.strata", "commits" …"""
    found: dict[str, str] = {}
    for name, value in document.items():
        if name in UNSIGNED_PARTS:
            continue
        if isinstance(value, dict):
            found.update({f"{name}.{key}": sha256_of(part) for key, part in value.items()})
        else:
            found[name] = sha256_of(value)
    return found


def _psus(draw: Draw) -> list[dict[str, Any]]:
    """Every PSU of the plan with the codes of its communities."""
    design = draw.design
    rows = PSU.objects.filter(frame=design.frame_id, joining_rule=design.plan["rules"]["psu_set"])
    communities: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for code, name, community in rows.values_list("code", "name", "communities__code"):
        names[code] = name
        communities.setdefault(code, []).append(community)
    return [
        {"code": code, "name": names[code], "communities": sorted(communities[code])}
        for code in sorted(communities)
    ]


def _frame(draw: Draw) -> dict[str, Any]:
    frame = draw.design.frame
    return {
        "name": frame.name,
        "number": frame.number,
        "hash": frame.frame_hash,
        "communities": [
            {
                "code": row.code,
                "name": row.name,
                "n_family": row.n_family,
                "n_collective": row.n_collective,
                "root": row.root,
            }
            for row in recorded_roots(frame)
        ],
    }


def _timestamps(draw: Draw) -> list[dict[str, Any]]:
    return [
        {
            "kind": stamp.kind,
            "authority": stamp.authority,
            "stamped_at": utc_text(stamp.stamped_at),
            "address": stamp.address,
            "note": stamp.note,
            "token": base64.b64encode(bytes(stamp.token or b"")).decode(),
        }
        for stamp in draw.timestamps.order_by("stamped_at", "pk")
    ]


def _commits(draw: Draw) -> list[dict[str, Any]]:
    """Every commitment of the round, also those given up, so that nobody can choose among several draws."""
    rows = Draw.objects.filter(design__round=draw.design.round_id).order_by("number")
    return [
        {
            "number": row.number,
            "commitment_hash": row.commitment_hash,
            "state": public_state(row),
            "reason": row.reason,
            "committed_at": utc_text(row.committed_at),
            "beacon_at": utc_text(row.beacon_at) if row.beacon_at else "",
            "drawn_at": utc_text(row.drawn_at) if row.drawn_at else "",
            "voided_at": utc_text(row.voided_at) if row.voided_at else "",
            "void_reason": row.void_reason,
            "revealed_at": utc_text(row.revealed_at) if row.revealed_at else "",
        }
        for row in rows
    ]


def _result(draw: Draw) -> dict[str, Any]:
    """PSUs in the order taken; households by number, each with stage 2's chance once its replicate is out."""
    takes = takes_of(draw.design.spec)
    psus = draw.psus.order_by("order").values_list(
        "psu__code", "stratum__code", "is_certainty", "probability_exact"
    )
    cases = draw.cases.values_list(
        "number",
        "frame_unit__opaque_id",
        "drawn_psu__psu__code",
        "replicate__number",
        "drawn_psu__psu__n_households",
    )
    households = [
        [
            int(number.partition("-")[2]),
            str(opaque_id),
            psu,
            replicate,
            exact(Fraction(takes.through(replicate), size)),
        ]
        for number, opaque_id, psu, replicate, size in cases
    ]
    return {"psus": [list(row) for row in psus], "households": sorted(households)}


def _replicates(draw: Draw) -> list[dict[str, Any]]:
    return [
        {
            "number": row.number,
            "n_cases": row.n_cases,
            "released_at": utc_text(row.released_at) if row.released_at else "",
            "reason": row.release_reason,
        }
        for row in draw.replicates.order_by("number")
    ]
