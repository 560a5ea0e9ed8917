"""Do the 95 % intervals of a report cover the truth as often as they say?

The demo's design is drawn anew from the model city, weighted and estimated by the same functions as a
report's: `two_stage_sample`, `weigh`, `bootstrap`, `Tables`. Only the database is left out.
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
from survey.stats.estimates import MEAN, SHARE
from survey.stats.replicates import bootstrap
from survey.stats.selection import Stratum, Takes, two_stage_sample
from survey.stats.tables import Partition, Tables
from survey.stats.weights import CaseColumns, weigh

TITLE = "Coverage of the report's intervals"
CLAIM = (
    "Over at least 500 redraws of the demo's design from the model city, the 95 % intervals of every family "
    "of domains (the whole, districts, streets with their own and with pooled variance, sexes, ages) cover "
    "the truth in at least 93 %, for scores and shares, under full response and under nonresponse that "
    "depends on sex and age."
)
REDRAWS = int(os.environ.get("MINYI_PROOF_REDRAWS", "500"))
DATA = Path(__file__).resolve().parents[2] / "survey" / "demo" / "data"
FLOOR, LEAST_REDRAWS, REPLICATES = 0.93, 100, 100
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
    found |= {d[:6]: float(np.nanmean(values[district == d[:6]])) for d in DISTRICTS}
    found |= {"all": float(np.nanmean(values))}
    male, band = city.sex == 1, np.digitize(city.age, [low for low, _ in BANDS]) - 1
    found |= {"male": float(np.nanmean(values[male])), "female": float(np.nanmean(values[~male]))}
    return found | {f"age {k}": float(np.nanmean(values[band == k])) for k in range(len(BANDS))}


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
    sampled = {}
    for s in w.streets:
        others = set(arrays["psu"][(street == s) & ~certain])
        sampled[s] = float(len(others)) if others else float("inf")
    sexes, bands = ("male", "female"), tuple(f"age {k}" for k in range(len(BANDS)))
    districts = tuple(d[:6] for d in DISTRICTS)
    partitions = [
        Partition("all", np.zeros(len(adult), dtype=int), ("all",)),
        Partition("district", np.array([districts.index(d) for d in district]), districts),
        Partition("street", w.street_of_household[household], tuple(w.streets)),
        Partition("sex", np.where(w.city.sex[adult] == 1, 0, 1), sexes),
        Partition("age", cases.band, bands),
    ]
    replicates, _why = bootstrap(weighted, replicates=REPLICATES, seed=SEED)
    tables = Tables(weighted, partitions, replicates=replicates, sampled_psus=sampled, min_psus=MIN_PSUS)
    kinds = {label: p.name for p in partitions for label in p.labels}
    rows = []
    for name, values in w.values.items():
        mine = np.where(responded, values[adult], np.nan)
        table = tables.figures(mine, SHARE if w.kinds[name] == SHARE else MEAN)
        for i, label in enumerate(table.labels):
            if not np.isfinite(table.low[i]):  # the report shows no figure
                continue
            truth = w.truth[name][label]
            family = kinds[label]
            if family == "street":
                family = f"street, {table.method[i]}"
            covered = bool(table.low[i] <= truth <= table.high[i])
            width = float(table.high[i] - table.low[i])
            rows.append((scenario, name, label, family, covered, width, float(table.estimate[i])))
    return rows


def run() -> tuple[bool, list[str]]:
    """All redraws on all cores; the seed of redraw i is SHA-256 of "minyi coverage i"."""
    families: dict[tuple[str, ...], list[float]] = {}
    single: dict[tuple[str, ...], list[float]] = {}
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for rows in pool.map(redraw, range(REDRAWS), chunksize=10):
            for scenario, name, label, family, covered, width, estimate in rows:
                tally = families.setdefault((scenario, name, family), [0, 0, 0.0])
                one = single.setdefault((scenario, name, family, label), [0, 0, 0.0, 0.0, 0.0])
                for held in (tally, one):
                    held[0] += covered
                    held[1] += 1
                    held[2] += width
                one[3] += estimate
                one[4] += estimate**2
    return _report(families, single)


def _oracle(single: dict, key: tuple[str, ...]) -> float:
    """Mean over a family's domains of width / oracle width: 2 × 1.96 × the estimate's spread over redraws."""
    ratios = []
    for (scenario, name, family, _label), (_hits, n, width, total, squares) in single.items():
        if (scenario, name, family) == key and n >= LEAST_REDRAWS:
            spread = max(squares / n - (total / n) ** 2, 0.0) ** 0.5
            if spread > 0:
                ratios.append(width / n / (2 * 1.96 * spread))
    return float(np.mean(ratios)) if ratios else float("nan")


def _report(families: dict, single: dict) -> tuple[bool, list[str]]:
    lines = [
        f"{REDRAWS:,} redraws of {N_PSUS} PSUs × {TAKE} households, each with {REPLICATES} bootstrap "
        'replicates of the whole recipe; the seed of redraw i is SHA-256 of "minyi coverage i". '
        "Width beside the oracle: that of an interval which knows the estimate's spread over all redraws.",
        "",
        "| response | figure | family of domains | covered | intervals | Monte Carlo s.e. | width / oracle |",
        "|---|---|---|---|---|---|---|",
    ]
    passed = True
    for key, (hits, n, _width) in sorted(families.items()):
        share = hits / n
        # Intervals of one redraw are correlated: the error counts redraws, which is on the safe side.
        error = (share * (1 - share) / min(n, REDRAWS)) ** 0.5
        below = share < FLOOR
        passed &= not below
        mark = " **below**" if below else ""
        ratio = _oracle(single, key)
        cells = [*key, f"{share:.1%}{mark}", f"{n:,}", f"{error:.2%}", f"{ratio:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return passed, lines
