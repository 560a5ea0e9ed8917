"""Does a draw again from its secrets and its frame, and names every line that differs."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from survey.common.canonical import sha256_of
from survey.common.crypto import DecryptionError, decrypt
from survey.common.errors import Problem
from survey.sampling.commitment import derive_seed, hash_commitment, hash_secret
from survey.sampling.models import Draw
from survey.sampling.selection import exact, result_hash, select
from survey.sampling.services.commits import SECRET_PURPOSE
from survey.sampling.services.draws import party_secrets
from survey.sampling.services.frames import stored_frame_hash
from survey.stats.selection import TwoStageSample

FIRST_FORMAT = "minyi-commitment-1"


@dataclass(frozen=True)
class Difference:
    """One thing that is not what the commitment and the secret give. `where`: field, PSU or case number."""

    where: str
    expected: str
    found: str


@dataclass(frozen=True)
class RedrawResult:
    """Empty `differences` mean that the stored draw is the one that secret, frame and design give."""

    differences: tuple[Difference, ...]

    @property
    def matches(self) -> bool:
        return not self.differences


def redraw(draw: Draw) -> RedrawResult:
    """Recompute the draw and compare commitment, seed, PSUs, cases and probabilities, line by line."""
    found = _commitment_differences(draw)
    try:
        secrets = _opened_secrets(draw)
    except (DecryptionError, Problem) as error:
        return RedrawResult((*found, Difference("secret", "", str(error))))
    seed = derive_seed(
        secrets=[secret for _where, secret, _digest in secrets],
        beacon=draw.beacon,
        commitment_hash=draw.commitment_hash,
    )
    found += _differences(*((where, hash_secret(secret), digest) for where, secret, digest in secrets))
    found += _differences(("seed", seed.hex(), draw.seed))
    try:
        sample = select(draw.design, seed)
    except Problem as problem:
        return RedrawResult((*found, Difference("frame", "", problem.message)))
    found += _differences(("result_hash", result_hash(sample), draw.result_hash))
    found += _psu_differences(draw, sample) + _case_differences(draw, sample)
    return RedrawResult(tuple(found))


def _differences(*triples: tuple[str, str, str]) -> list[Difference]:
    return [Difference(*triple) for triple in triples if triple[1] != triple[2]]


def _opened_secrets(draw: Draw) -> list[tuple[str, bytes, str]]:
    """(what it is called, secret, the hash committed to) of each party; of the office in release 1."""
    if draw.commitment.get("format") == FIRST_FORMAT:
        secret = bytes.fromhex(decrypt(draw.secret_cipher or b"", SECRET_PURPOSE))
        return [("secret_hash", secret, draw.secret_hash)]
    digests = {party["number"]: party["secret_hash"] for party in draw.commitment.get("parties", [])}
    numbers = draw.parties.order_by("number").values_list("number", flat=True)
    return [
        (f"party {number}", secret, digests.get(number, ""))
        for number, secret in zip(numbers, party_secrets(draw), strict=True)
    ]


def _commitment_differences(draw: Draw) -> list[Difference]:
    """What was committed to, against what is stored now."""
    design, committed = draw.design, draw.commitment
    found = _differences(
        ("commitment_hash", hash_commitment(committed), draw.commitment_hash),
        ("commitment.draw_number", str(committed.get("draw_number", "")), str(draw.number)),
        ("design", committed.get("design_hash", ""), sha256_of(design.spec)),
        ("plan", committed.get("plan_hash", ""), sha256_of(design.plan)),
        ("frame", committed.get("frame_hash", ""), stored_frame_hash(design.frame)),
    )
    if committed.get("format") == FIRST_FORMAT:
        return found + _differences(
            ("commitment.secret_hash", committed.get("secret_hash", ""), draw.secret_hash)
        )
    beacon = committed.get("beacon", {})
    parties = {str(p["number"]): p["secret_hash"] for p in committed.get("parties", [])}
    stored = {str(n): h for n, h in draw.parties.values_list("number", "secret_hash")}
    return found + _differences(
        (
            "commitment.beacon",
            f"{beacon.get('kind')} {beacon.get('name')}",
            f"{draw.beacon_kind} {draw.beacon_name}",
        ),
        ("commitment.reveal_by", str(committed.get("reveal_by")), str(draw.reveal_by)),
        ("commitment.parties", str(sorted(parties.items())), str(sorted(stored.items()))),
    )


def _compare(name: str, expected: dict[str, tuple], found: dict[str, tuple]) -> list[Difference]:
    return [
        Difference(f"{name} {key}", _text(expected.get(key)), _text(found.get(key)))
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    ]


def _text(values: tuple | None) -> str:
    return " ".join(str(value) for value in values) if values is not None else ""


def _psu_differences(draw: Draw, sample: TwoStageSample) -> list[Difference]:
    expected = {
        psu.code: (psu.stratum, psu.certainty, exact(psu.probability), float(psu.probability), order)
        for order, psu in enumerate(sample.psus, start=1)
    }
    rows = draw.psus.values_list(
        "psu__code", "stratum__code", "is_certainty", "probability_exact", "probability", "order"
    )
    return _compare("psu", expected, {row[0]: tuple(row[1:]) for row in rows})


def _case_differences(draw: Draw, sample: TwoStageSample) -> list[Difference]:
    """Cases by number. Probabilities of stage 2 are those after the replicates released so far."""
    stage1 = {psu.code: psu for psu in sample.psus}
    last = draw.replicates.filter(released_at__isnull=False).order_by("-number").first()
    released = last.number if last else 0
    stage2: dict[tuple[str, int], Fraction] = {(d.psu, d.replicate): d.probability for d in sample.households}
    expected: dict[str, tuple[Any, ...]] = {}
    for drawn in sample.households:
        psu = stage1[drawn.psu]
        p = stage2[drawn.psu, max(drawn.replicate, released)]
        expected[f"{draw.number}-{drawn.number:05d}"] = (
            drawn.household,
            drawn.psu,
            drawn.replicate,
            exact(psu.probability),
            float(psu.probability),
            exact(p),
            float(p),
            psu.stratum,
            drawn.household if psu.certainty else drawn.psu,
            drawn.person_seed,
        )
    rows = draw.cases.values_list(
        "number",
        "frame_unit__opaque_id",
        "drawn_psu__psu__code",
        "replicate__number",
        "stage1_exact",
        "stage1_probability",
        "stage2_exact",
        "stage2_probability",
        "variance_stratum",
        "variance_psu",
        "selection_seed",
    )
    return _compare("case", expected, {row[0]: (str(row[1]), *row[2:]) for row in rows})
