"""The worked example of docs/verifiable-draw.md: every number in it follows, by both implementations."""

import hashlib
from pathlib import Path

from analysis.selection.multistage import Stratum, Takes, draw_two_stage
from analysis.selection.stream import Stream
from survey.sampling import verify_draw
from survey.sampling.commitment import derive_seed
from survey.sampling.selection import exact
from survey.sampling.tree import community_record, household_line, leaf_hash, tree_root

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "verifiable-draw.md"
SIZES = {"370105001001": 4, "370105001002": 3, "370105001003": 5}
SECRETS = [bytes(range(32)), b"\xff" * 32]
BEACON = "03 09 14 21 26 32+07"
COMMITMENT_HASH = hashlib.sha256(b"example").hexdigest()
SPEC = {
    "stages": [{"order": "random"}, {"take": 2}],
    "reserve_take": 1,
    "reserve_replicates": 0,
}
PLAN = {
    "joined_psus": [],
    "strata": [{"code": "370105001000", "kind": "streets", "n_take": 2, "psus": [*map(list, SIZES.items())]}],
}


def households(code: str) -> list[str]:
    """Household j of a community: its last three digits, then j, as an id."""
    return [f"00000000-0000-4000-8000-{code[-3:]:0>9}{j:03d}" for j in range(1, SIZES[code] + 1)]


def lines(code: str) -> list[tuple[str, str]]:
    """(id, commitment) of each household; the commitments here are SHA-256 of the ids."""
    return [(unit, hashlib.sha256(unit.encode()).hexdigest()) for unit in households(code)]


def example() -> dict[str, str]:
    """Every value that the document shows, by the program's own functions."""
    leaves = {
        code: [
            leaf_hash(
                household_line(opaque_id=unit, community_code=code, kind="family", commitment=commitment)
            )
            for unit, commitment in lines(code)
        ]
        for code in SIZES
    }
    roots = {code: tree_root(leaves[code]) for code in SIZES}
    records = [
        leaf_hash(community_record(community_code=code, n_family=n, n_collective=0, root=roots[code]))
        for code, n in SIZES.items()
    ]
    seed = derive_seed(secrets=SECRETS, beacon=BEACON, commitment_hash=COMMITMENT_HASH)
    child = Stream(seed).child("stage1/370105001000")
    sample = draw_two_stage(seed, [Stratum("370105001000", SIZES, 2)], Takes(2), households)
    mixed = child.shuffled(sorted(SIZES))
    return {
        "first leaf": leaves["370105001002"][0].hex(),
        "second leaf": leaves["370105001002"][1].hex(),
        "third leaf": leaves["370105001002"][2].hex(),
        "root": roots["370105001002"].hex(),
        "frame": tree_root(records).hex(),
        "commitment": COMMITMENT_HASH,
        "seed": seed.hex(),
        "child": hashlib.sha256(b"minyi-stream-1\x00" + seed + b"stage1/370105001000").hexdigest(),
        "order": ", ".join(mixed),
        "start": f"r = {child.below(sum(SIZES.values()))}",
        "psus": ", ".join(f"{psu.code} ({exact(psu.probability)})" for psu in sample.psus),
        **{
            f"household {row.number}": f"{row.number} | `{row.household}` | {row.psu} | "
            f"{exact(row.probability)}"
            for row in sample.households
        },
    }


def test_every_number_of_the_worked_example_follows_and_is_printed():
    text = DOCUMENT.read_text(encoding="utf-8")
    missing = {name: value for name, value in example().items() if value not in text}
    assert missing == {}


def test_the_second_implementation_gives_the_same_example():
    seed = bytes.fromhex(example()["seed"])
    psus = verify_draw.draw_psus(seed, SPEC, PLAN)
    rows = [
        row for psu in psus for row in verify_draw.draw_households(seed, SPEC, psu[0], households(psu[0]))
    ]
    shown = example()
    assert ", ".join(f"{row[0]} ({row[3]})" for row in psus) == shown["psus"]
    for number, unit, psu, _replicate, chance in verify_draw.number_households(seed, rows):
        assert shown[f"household {number}"] == f"{number} | `{unit}` | {psu} | {chance}"
    columns = [(unit, "370105001002", "family", commitment) for unit, commitment in lines("370105001002")]
    assert verify_draw.tree_root([verify_draw.leaf(*line) for line in columns]).hex() == shown["root"]
