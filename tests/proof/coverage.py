"""Do the 95 % intervals of a report cover the truth as often as they say?

The demo's design is drawn anew from the model city, weighted and estimated by the same functions as a
report's: `two_stage_sample`, `weigh`, `estimate_domains`. Only the database is left out.
"""

import csv
import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from survey.demo.city import DISTRICTS, N_HOUSEHOLDS, SEED, city_of, scaled_adults
from survey.demo.design import N_PSUS, SPEC, TAKE
from survey.demo.superpopulation import City, Community
from survey.reports.weighting import BANDS, MIN_CELL, MIN_CLASS, MIN_PSUS
from survey.sampling import planning
from survey.sampling.spec import complete_spec, takes_of
from survey.stats.estimates import MEAN, SHARE, estimate_domains
from survey.stats.selection import Stratum, Takes, two_stage_sample
from survey.stats.weights import CaseColumns, weigh

TITLE = "Coverage of the report's intervals"
CLAIM = (
    "Over 1,000 redraws of the demo's design from the model city, 95 % intervals of district scores and "
    "shares cover the truth in at least 93.5 % of the redraws, under full response and under nonresponse "
    "that depends on sex and age; streets with fewer than 6 PSUs, whose variance is pooled, in at least 92 %."
)
REDRAWS = int(os.environ.get("MINYI_PROOF_REDRAWS", "1000"))
DATA = Path(__file__).resolve().parents[2] / "survey" / "demo" / "data"
DISTRICT_FLOOR, STREET_FLOOR = 0.935, 0.92
# (name, item, kind): a score of 0–100 points from levels, or the share of the two best levels
FIGURES = (
    ("Q20 满意度得分", "Q20", MEAN),
    ("Q20 满意率", "Q20", SHARE),
    ("Q04 满意度得分", "Q04", MEAN),
    ("A02 安全率", "A02", SHARE),
    ("K05 知晓率", "K05", SHARE),
)


@dataclass
class World:
    """The city with everything that does not change between redraws."""

    city: City
    strata: list[Stratum]
    households_of: dict[str, list[str]]
    streets: list[str]
    street_of_household: np.ndarray
    totals: dict[tuple[str, str, int], float]
    values: dict[str, np.ndarray]
    truth: dict[str, dict[str, float]]
    kinds: dict[str, str]


def read_census() -> dict[str, dict[str, dict[str, float]]]:
    census: dict[str, dict[str, dict[str, float]]] = {d: {} for d in DISTRICTS}
    with (DATA / "census_jinan_2020.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["region_code"] in census:
                census[row["region_code"]].setdefault(row["variable"], {})[row["category"]] = float(
                    row["value"]
                )
    return census


def read_communities() -> list[Community]:
    with (DATA / "jinan_regions.csv").open(encoding="utf-8-sig") as file:
        rows = [r for r in csv.DictReader(file) if r["level"] == "community"]
    inside = [r for r in rows if r["code"][:6] + "000000" in DISTRICTS]
    return [
        Community(r["code"], r["parent_code"], r["code"][:6] + "000000")
        for r in sorted(inside, key=lambda r: r["code"])
    ]


def build_world() -> World:
    """The model city, its plan, and the truth."""
    census, communities = read_census(), read_communities()
    city = city_of(communities, census, N_HOUSEHOLDS, SEED)
    sizes = np.bincount(city.household_community, minlength=len(communities))
    listed = [
        planning.Community(c.code, c.code, c.street[:9], int(n))
        for c, n in zip(communities, sizes, strict=True)
    ]
    plan = planning.StrataPlanner(
        planning.build_psus(listed, takes_of(complete_spec(SPEC)).total), N_PSUS
    ).plan()
    members = {p.code: {c.code for c in p.communities} for s in plan for p in s.psus}
    of_community: dict[str, list[str]] = {}
    for household, index in enumerate(city.household_community):
        of_community.setdefault(communities[index].code, []).append(f"{household:06d}")
    households_of = {
        psu: [h for c in sorted(codes) for h in of_community[c]] for psu, codes in members.items()
    }
    strata = [
        Stratum(s.code, {p.code: p.n_households for p in s.psus}, s.n_take, certainty=s.certainty)
        for s in plan
    ]
    streets = sorted({c.street for c in communities})
    index_of = {street: i for i, street in enumerate(streets)}
    street_of = np.array([index_of[communities[i].street] for i in city.household_community])
    scale = N_HOUSEHOLDS / sum(c["households"]["family_households"] for c in census.values())
    totals: dict[tuple[str, str, int], float] = {}
    for district, rows in census.items():
        for cell in scaled_adults(rows, scale):
            for band, (low, high) in enumerate(BANDS):
                top = high if high is not None else 200
                years = max(min(cell.high, top) - max(cell.low, low) + 1, 0)
                key = (district[:6], "male" if cell.sex == 1 else "female", band)
                part = cell.persons * years / (cell.high - cell.low + 1)
                totals[key] = totals.get(key, 0.0) + part
    values = {name: _values(city, item, kind) for name, item, kind in FIGURES}
    kinds = {name: kind for name, _, kind in FIGURES}
    truth = {name: _truth(city, streets, street_of, v) for name, v in values.items()}
    return World(city, strata, households_of, streets, street_of, totals, values, truth, kinds)


def _values(city: City, item: str, kind: str) -> np.ndarray:
    level = city.levels[item]
    best = 1 if item == "K05" else 2  # a yes-or-no item has one favourable level, a scale its two best
    highest = level.max()
    value = 100 * (1 - level / highest) if kind == MEAN else (level < best).astype(float)
    return np.where(level >= 0, value, np.nan)


def _truth(city: City, streets: list[str], street_of: np.ndarray, values: np.ndarray) -> dict[str, float]:
    of_adult = street_of[city.adult_household]
    found = {s: float(np.nanmean(values[of_adult == i])) for i, s in enumerate(streets)}
    district = np.array([s[:6] for s in streets])[of_adult]
    return found | {d[:6]: float(np.nanmean(values[district == d[:6]])) for d in DISTRICTS}


WORLD: World | None = None


def redraw(number: int) -> list[tuple[str, str, str, str, bool, float]]:
    """One redraw under both kinds of response: (scenario, figure, domain, kind of domain, covered, width)."""
    global WORLD
    if WORLD is None:
        WORLD = build_world()
    w = WORLD
    seed = hashlib.sha256(f"minyi coverage {number}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(seed, dtype=np.uint64))
    sample = two_stage_sample(seed, w.strata, Takes(take=TAKE), lambda psu: w.households_of[psu])
    psus = {p.code: p for p in sample.psus}
    household = np.array([int(h.household) for h in sample.households])
    taken = [psus[h.psu] for h in sample.households]
    n_adults = w.city.adults_per_household()[household]
    adult = w.city.household_start[household] + (rng.random(len(household)) * n_adults).astype(int)
    certain = np.array([p.certainty for p in taken])
    arrays = {
        "base": np.array(
            [
                1 / (float(p.probability) * float(h.probability))
                for p, h in zip(taken, sample.households, strict=True)
            ]
        ),
        "stratum": np.array([p.code if p.certainty else p.stratum for p in taken], dtype=object),
        "psu": np.array(
            [h.household if p.certainty else p.code for p, h in zip(taken, sample.households, strict=True)],
            dtype=object,
        ),
    }
    p_response = 1 - (1 - w.city.web_propensity[adult]) * (1 - w.city.door_propensity[adult])
    answers = {
        "full response": np.ones(len(adult), dtype=bool),
        "nonresponse": rng.random(len(adult)) < p_response,
    }
    found = []
    for scenario, responded in answers.items():
        found += _estimate(w, scenario, arrays, household, adult, 1.0 / n_adults, certain, responded)
    return found


def _estimate(w, scenario, arrays, household, adult, person, certain, responded):
    street = np.array(w.streets, dtype=object)[w.street_of_household[household]]
    district = np.array([s[:6] for s in street], dtype=object)
    age = w.city.age[adult]
    cases = CaseColumns(
        base=arrays["base"],
        stratum=arrays["stratum"],
        psu=arrays["psu"],
        district=district,
        street=street,
        known=np.ones(len(adult), dtype=bool),
        eligible=np.ones(len(adult), dtype=bool),
        responded=responded,
        person_probability=np.where(responded, person, np.nan),
        sex=np.where(w.city.sex[adult] == 1, "male", "female").astype(object),
        band=np.digitize(age, [low for low, _ in BANDS]) - 1,
    )
    weighted = weigh(cases, w.totals, n_bands=len(BANDS), min_class=MIN_CLASS, min_cell=MIN_CELL)
    domains = {d[:6]: district == d[:6] for d in DISTRICTS} | {s: street == s for s in w.streets}
    sampled = {}
    for s in w.streets:
        others = set(arrays["psu"][(street == s) & ~certain])
        sampled[s] = float(len(others)) if others else float("inf")
    rows = []
    for name, values in w.values.items():
        mine = np.where(responded, values[adult], np.nan)
        kind = SHARE if w.kinds[name] == SHARE else MEAN
        table = estimate_domains(weighted, mine, domains, kind=kind, sampled_psus=sampled, min_psus=MIN_PSUS)
        for i, label in enumerate(table.labels):
            if not table.n[i]:  # a street of a joined stratum with no PSU taken: the report shows no figure
                continue
            truth = w.truth[name][label]
            group = (
                "district" if len(label) == 6 else "street, pooled" if table.pooled[i] else "street, direct"
            )
            covered = bool(table.low[i] <= truth <= table.high[i])
            rows.append((scenario, name, label, group, covered, float(table.high[i] - table.low[i])))
    return rows


def run() -> tuple[bool, list[str]]:
    """1,000 redraws on all cores; the seed of redraw i is SHA-256 of "minyi coverage i"."""
    counts: dict[tuple[str, ...], list[float]] = {}
    streets: dict[tuple[str, ...], list[float]] = {}
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for rows in pool.map(redraw, range(REDRAWS), chunksize=10):
            for scenario, name, label, group, covered, width in rows:
                key = (scenario, name, label if group == "district" else group)
                tally = counts.setdefault(key, [0, 0, 0.0])
                tally[0] += covered
                tally[1] += 1
                tally[2] += width
                if group != "district":
                    one = streets.setdefault((scenario, name, group, label), [0, 0])
                    one[0] += covered
                    one[1] += 1
    return _report(counts, streets)


def _report(counts, streets) -> tuple[bool, list[str]]:
    lines = [
        f"{REDRAWS:,} redraws of {N_PSUS} PSUs × {TAKE} households; "
        'the seed of redraw i is SHA-256 of "minyi coverage i".',
        "",
    ]
    lines += [
        "| response | figure | domain | covered | intervals | Monte Carlo s.e. | mean width |",
        "|---|---|---|---|---|---|---|",
    ]
    passed = True
    for (scenario, name, domain), (hits, n, width) in sorted(counts.items()):
        share = hits / n
        floor = STREET_FLOOR if domain == "street, pooled" else DISTRICT_FLOOR if domain[0] == "3" else 0.0
        passed &= share >= floor
        # Streets of one redraw are nearly independent; districts are one interval a redraw.
        error = (share * (1 - share) / n) ** 0.5
        mark = "" if share >= floor else " **below**"
        cells = [scenario, name, domain, f"{share:.1%}{mark}", f"{n:,}", f"{error:.2%}", f"{width / n:.3g}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Single streets with pooled variance: lowest and highest coverage of one (200 intervals or more).",
    ]
    lines += ["", "| response | figure | lowest | highest |", "|---|---|---|---|"]
    for scenario in ("full response", "nonresponse"):
        for name, _, _ in FIGURES:
            own = [
                h / n
                for (s, f, g, _), (h, n) in streets.items()
                if (s, f, g) == (scenario, name, "street, pooled") and n >= 200
            ]
            if own:
                lines.append(f"| {scenario} | {name} | {min(own):.1%} | {max(own):.1%} |")
    return passed, lines
