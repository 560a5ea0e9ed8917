"""A report of noise claims nothing, and where half the effects are real only those are claimed.

Each simulated report goes through the code of a real one: the weighting recipe with its bootstrap, figures in
all domains, targets, differences to the whole, the change since an earlier report, rank sets of districts and
streets, key drivers. Only the database and the masks are left out: everything is tested.
"""

import hashlib
import os
from types import SimpleNamespace
from typing import Any

import numpy as np

from survey.reports.claiming import judge_parts
from survey.reports.computing import Work, indicator_part
from survey.reports.domains import Domain, partitions_of
from survey.reports.estimation import Frame, cells_of
from survey.stats.change import Before
from survey.stats.drivers import key_drivers
from survey.stats.replicates import bootstrap
from survey.stats.tables import Tables
from survey.stats.weights import CaseColumns, weigh
from tests.proof.imports import imported_by
from tests.proof.parts import Part, run_parts

TITLE = "What reports of noise claim"
CLAIM = (
    "Of 1,000 simulated reports without any true difference at most 64 claim anything (the 97.5 % point of a "
    "binomial at 5 %), with control over all tests, rank sets and drivers of a report together; and of 1,000 "
    "in which half the effects are real, at most 64 make any false claim."
)
REPORTS = int(os.environ.get("MINYI_PROOF_REPORTS", "1000"))
ALLOWED = 64  # of 1,000: binom.ppf(0.975, 1000, 0.05)
DISTRICTS, STREETS, PSUS, TAKE = 4, 3, 6, 10
REPLICATES, RATE = 100, 0.7
CHUNK = 20  # pairs that are written down together
SHIFT, CHANGE = 12.0, 8.0  # points: what a real effect is
INDICATORS = ("a", "b")
DRIVERS = ("x", "y", "z")
# Of what this module imports, what a simulated report runs through.
DEPENDS = (
    "analysis/",
    "survey/stats/",
    "survey/reports/claiming.py",
    "survey/reports/computing.py",
    "survey/reports/domains.py",
    "survey/reports/estimation.py",
    "survey/reports/small_areas.py",
)


def simulate(number: int) -> dict[str, tuple[int, int]]:
    """(false claims, claims) of one null report and of one with real effects."""
    rng = np.random.default_rng(np.frombuffer(_seed(number), dtype=np.uint64))
    return {"null": one_report(rng, real=False), "half": one_report(rng, real=True)}


def _seed(number: int) -> bytes:
    return hashlib.sha256(f"minyi claims {number}".encode()).digest()


def chunk(start: int, end: int) -> dict[str, Any]:
    """Pairs start … end − 1 with their seeds."""
    numbers = range(start, end)
    return {"seeds": [_seed(n).hex() for n in numbers], "pairs": [simulate(n) for n in numbers]}


def one_report(rng: np.random.Generator, *, real: bool) -> tuple[int, int]:
    """Two rounds of a made city; indicator "b" differs by district and between the rounds if `real`."""
    earlier = make_round(rng, real=real, later=False)
    now = make_round(rng, real=real, later=True)
    published = {code: figures(earlier, code) for code in INDICATORS}
    versions = [
        SimpleNamespace(
            indicator=SimpleNamespace(code=code),
            kind="mean_score",
            definition={"items": [{}, {}]},  # a score: t intervals
            target=50.0,
        )
        for code in INDICATORS
    ]
    masks = {f"indicator:{code}": {} for code in INDICATORS}
    previous = SimpleNamespace(published=lambda code: published[code])
    work = Work(now.frame, versions, {}, masks, previous, None, None)
    work.values = lambda version: now.values[version.indicator.code]
    parts = {v.indicator.code: indicator_part(work, v, "tested") for v in versions}
    verdicts = judge_parts(parts)
    claimed = [v for v in verdicts if v.claimed]
    wrong = sum(not is_true(v.test, real) for v in claimed)
    told = [
        (code, kind, one, other)
        for code, part in parts.items()
        for kind, league in part["leagues"].items()
        for one, others in league["apart"].items()
        for other in others
        if one < other
    ]
    wrong += sum(
        not (real and code == "b" and is_raised(one) != is_raised(other)) for code, _, one, other in told
    )
    everyone = np.ones(len(now.values["a"]), dtype=bool)
    found = key_drivers(
        now.weighted,
        now.values["whole"],
        {d: now.values[d] for d in DRIVERS},
        everyone,
        statements=len(DRIVERS),
    )
    sure = sum(row["sure"] for row in found["drivers"])
    return wrong + sure, len(claimed) + len(told) + sure


def is_raised(key: str) -> bool:
    """Districts 0 and 1, and their streets, stand higher in "b" where effects are real."""
    return key[1] in "01"


def is_true(test, real: bool) -> bool:
    """Whether what was claimed is so, direction included."""
    if not real or test.indicator == "a":
        return False
    region = test.domain[0] in "ds" and test.domain[1].isdigit()
    raised = is_raised(test.domain) if region else None
    effect = CHANGE if test.kind == "change" else 0.0
    if test.kind == "against_all":
        effect = 0.0 if raised is None else (SHIFT / 2 if raised else -SHIFT / 2)
    if test.kind == "target":  # 50 is the low districts' mean before the change
        effect = CHANGE + (SHIFT / 2 if raised is None else SHIFT * raised)
    return bool(effect * test.difference > 0)


def make_round(rng: np.random.Generator, *, real: bool, later: bool) -> SimpleNamespace:
    """A sample of 4 districts × 3 streets × 6 communities × 10 households, weighted; its frame of domains."""
    psu = np.repeat(np.arange(DISTRICTS * STREETS * PSUS), TAKE)
    street = psu // PSUS
    district = street // STREETS
    n = len(psu)
    responded = rng.random(n) < RATE
    adults = rng.integers(1, 4, n)
    sex, band = rng.integers(0, 2, n), rng.integers(0, 3, n)
    cases = CaseColumns(
        base=np.full(n, 50.0),
        stratum=street,
        psu=psu,
        district=np.array([f"d{k}" for k in district], dtype=object),
        street=np.array([f"s{k}" for k in street], dtype=object),
        known=np.ones(n, dtype=bool),
        eligible=np.ones(n, dtype=bool),
        responded=responded,
        person_probability=1 / adults,
        sex=np.array(["male", "female"], dtype=object)[sex],
        band=band,
    )
    totals = {(f"d{d}", s, b): 3000.0 for d in range(DISTRICTS) for s in ("male", "female") for b in range(3)}
    weighted = weigh(cases, totals, n_bands=3, min_class=10, min_cell=10)
    shift = np.where(district < 2, SHIFT, 0.0) + (CHANGE if later else 0.0) if real else 0.0
    values = {code: answers(rng, psu) for code in INDICATORS}
    values["b"] = values["b"] + shift
    values |= {name: answers(rng, psu) for name in DRIVERS}
    values["whole"] = sum(values[name] for name in DRIVERS) / 3 + rng.normal(0, 15, n)
    values = {name: np.where(responded, v, np.nan) for name, v in values.items()}
    return SimpleNamespace(
        weighted=weighted,
        values=values,
        frame=make_frame(weighted, responded, district, street, sex, band, psu),
    )


def answers(rng: np.random.Generator, psu: np.ndarray) -> np.ndarray:
    """Scores 0, 25 … 100 with mean 50 and community effects: symmetrical, so that the mean is exact."""
    latent = rng.normal(0, 0.35, psu.max() + 1)[psu] + rng.normal(0, 1, len(psu))
    return 50 + 25 * np.clip(np.round(latent), -2, 2)


def make_frame(weighted, responded, district, street, sex, band, psu) -> Frame:
    n = len(psu)
    domains = [Domain("all", "all", "", "", np.ones(n, dtype=bool))]
    domains += [Domain(f"d{k}", "district", "", "all", district == k) for k in range(DISTRICTS)]
    domains += [
        Domain(f"s{k // STREETS}{k}", "street", "", f"d{k // STREETS}", street == k)
        for k in range(DISTRICTS * STREETS)
    ]
    domains += [Domain(f"sex:{k}", "sex", "", "all", sex == k) for k in range(2)]
    domains += [Domain(f"age:{k}", "age", "", "all", band == k) for k in range(3)]
    communities = [Domain(f"c{k}", "community", "", f"s{k // PSUS}", psu == k) for k in range(psu.max() + 1)]
    replicates, why = bootstrap(weighted, replicates=REPLICATES, seed=1)
    assert replicates is not None, why
    partitions = partitions_of([*domains, *communities])
    tables = Tables(weighted, partitions, replicates=replicates, sampled_psus={}, min_psus=6)
    inputs = SimpleNamespace(responded=responded, case_ids=range(n))
    return Frame(inputs, weighted, domains, communities, tables, tables, {}, 6, 0)


def figures(sample: SimpleNamespace, code: str) -> dict[str, Before]:
    """What the earlier report printed."""
    table = sample.frame.tables.figures(sample.values[code], "mean")
    cells = cells_of(sample.frame, table, {})
    return {key: Before(c["estimate"], c["se"], c["df"]) for key, c in cells.items() if "se" in c}


def run() -> tuple[bool, list[str]]:
    """`REPORTS` pairs of reports; the seed of pair i is SHA-256 of "minyi claims i"."""
    wrong, reports_wrong, made = {"null": 0, "half": 0}, {"null": 0, "half": 0}, {"null": 0, "half": 0}
    starts = [(start, min(start + CHUNK, REPORTS)) for start in range(0, REPORTS, CHUNK)]
    parts = [Part(f"{start:04}-{end:04}", chunk, {"start": start, "end": end}) for start, end in starts]
    for record in run_parts("claims", parts, code=imported_by("tests/proof/claims.py", DEPENDS)).values():
        for pair in record["result"]["pairs"]:
            for kind, (false, claims) in pair.items():
                wrong[kind] += false
                reports_wrong[kind] += false > 0
                made[kind] += claims
    allowed = ALLOWED * REPORTS // 1000
    lines = [
        f"{REPORTS:,} pairs of rounds of {DISTRICTS} districts × {STREETS} streets × {PSUS} communities × "
        f"{TAKE} households, {REPLICATES} bootstrap replicates; the seed of pair i is SHA-256 of "
        '"minyi claims i".',
        "",
        "| reports | with a false claim | share | allowed | false claims | claims in all |",
        "|---|---|---|---|---|---|",
    ]
    names = {"null": "no effect is real", "half": "half the effects are real"}
    for kind, name in names.items():
        lines.append(
            f"| {name} | {reports_wrong[kind]} | {reports_wrong[kind] / REPORTS:.1%} | {allowed} "
            f"| {wrong[kind]} | {made[kind]:,} |"
        )
    return all(count <= allowed for count in reports_wrong.values()), lines
