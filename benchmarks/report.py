"""A report's figures for a whole city, beside one bare group-by of the same columns in the same run.

    MINYI_ENV=test python -m benchmarks.report [rows]

1,000,000 responses × 20 indicators × 6,000 domains (13 districts, 164 streets, 5,758 communities, sexes,
ages, education, urban and rural): scores from stored codes, means or shares with errors and intervals in
every domain, masks over all tables, tests against targets and the whole as one family, rank sets, small
areas. Times are CPU seconds, so that a busy machine does not tilt the ratio; rows come in no order.
Weighting is timed apart, and so is the whole recipe repeated on 200 bootstrap replicates, which a run of this
size leaves out (survey.stats.replicates.MAX_CELLS). Themes and rendering are apart, too.

The peak is that of this process, the data included.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a second thread would count twice in CPU seconds

import resource
import sys
import time
from types import SimpleNamespace

import django
import numpy as np
import pandas as pd

os.environ.setdefault("MINYI_ENV", "test")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey.settings")
django.setup()

from survey.reports.claiming import judge_parts  # noqa: E402
from survey.reports.computing import Work, indicator_part  # noqa: E402
from survey.reports.domains import COMMUNITY, Domain, partitions_of  # noqa: E402
from survey.reports.estimation import Frame  # noqa: E402
from survey.reports.masks import choose_masks  # noqa: E402
from survey.stats.scores import codes_of, person_values  # noqa: E402
from survey.stats.tables import Partition, Tables  # noqa: E402
from survey.stats.weights import CaseColumns, weigh  # noqa: E402

ROWS, INDICATORS = 1_000_000, 20
DISTRICTS, STREETS, COMMUNITIES = 13, 164, 5_758
BANDS, SCHOOLS = 5, 5
FACTOR, GIGABYTES = 20.0, 4.0
POINTS = {str(k): 25.0 * (k - 1) for k in range(1, 6)}


def make_answers(n: int, seed: int = 1) -> SimpleNamespace:
    """Answers of a made city: five-point items that differ by community, 8 % don't know."""
    rng = np.random.default_rng(seed)
    community = rng.integers(0, COMMUNITIES, n)
    street_of = np.sort(rng.integers(0, STREETS, COMMUNITIES))
    street_of[:STREETS] = np.arange(STREETS)
    street_of.sort()
    district_of = np.sort(np.arange(STREETS) % DISTRICTS)
    quality = rng.normal(0, 0.4, COMMUNITIES)[community]
    codes = {}
    for k in range(INDICATORS):
        latent = quality + rng.normal(0.6, 1, n)
        answer = np.clip(np.round(3 + latent), 1, 5).astype(np.int64)
        answer[rng.random(n) < 0.08] = -1
        codes[f"Q{k:02d}"] = answer
    return SimpleNamespace(
        n=n,
        community=community,
        street=street_of[community],
        district=district_of[street_of[community]],
        sex=rng.integers(0, 2, n),
        band=rng.integers(0, BANDS, n),
        school=rng.integers(0, SCHOOLS, n),
        urban=(street_of % 3 > 0)[community].astype(int),
        adults=rng.integers(1, 5, n),
        base=rng.uniform(2, 5, n),
        codes=codes,
    )


def weights_of(a: SimpleNamespace):
    """The recipe on the made city: everybody answered."""
    everyone = np.ones(a.n, dtype=bool)
    names = np.array([f"{k:02d}" for k in range(STREETS)], dtype=object)
    cases = CaseColumns(
        base=a.base,
        stratum=a.street,
        psu=a.community,
        district=np.array([f"{k:02d}" for k in range(DISTRICTS)], dtype=object)[a.district],
        street=names[a.street],
        known=everyone,
        eligible=everyone,
        responded=everyone,
        person_probability=1 / a.adults,
        sex=np.array(["male", "female"], dtype=object)[a.sex],
        band=a.band,
    )
    totals = {
        (f"{d:02d}", sex, band): 50_000.0 + 1000 * band
        for d in range(DISTRICTS)
        for sex in ("male", "female")
        for band in range(BANDS)
    }
    return weigh(cases, totals, n_bands=BANDS, min_class=10, min_cell=10)


def domains_of(a: SimpleNamespace) -> tuple[list[Domain], list[Domain]]:
    """About 190 domains of the document, and the communities."""
    found = [Domain("all", "all", "all", "", np.ones(a.n, dtype=bool))]
    found += [Domain(f"d{k}", "district", "", "all", a.district == k) for k in range(DISTRICTS)]
    district_of = {int(s): int(d) for s, d in zip(a.street, a.district, strict=True)}
    found += [Domain(f"s{k}", "street", "", f"d{district_of[k]}", a.street == k) for k in range(STREETS)]
    for kind, column, count in (("sex", a.sex, 2), ("age", a.band, BANDS), ("education", a.school, SCHOOLS)):
        found += [Domain(f"{kind}:{k}", kind, "", "all", column == k) for k in range(count)]
    found += [Domain(f"area:{k}", "area", "", "all", a.urban == k) for k in range(2)]
    street_of = {int(c): int(s) for c, s in zip(a.community, a.street, strict=True)}
    communities = [Domain(f"c{k}", COMMUNITY, "", f"s{street_of[k]}", np.zeros(0)) for k in sorted(street_of)]
    return found, communities


def everything(a: SimpleNamespace, weighted, partitions, domains, communities) -> dict:
    """All figures of the report, and what it may claim."""
    urban = np.array(["rural", "urban"], dtype=object)[a.urban]
    inputs = SimpleNamespace(responded=np.ones(a.n, dtype=bool), case_ids=range(a.n), urban=urban)
    tables = Tables(weighted, partitions, sampled_psus={}, min_psus=6)
    frame = Frame(inputs, weighted, domains, communities, tables, tables, {}, 6, 30)
    versions = [
        SimpleNamespace(
            indicator=SimpleNamespace(code=name),
            kind="share" if k % 2 else "mean_score",
            definition={"items": [{"name": name, "points": POINTS}], "top_codes": [5, 4]},
            target=0.8 if k % 2 else 70.0,
        )
        for k, name in enumerate(a.codes)
    ]
    values = {
        v.indicator.code: person_values(
            {v.indicator.code: codes_of(a.codes[v.indicator.code])}, v.definition, v.kind, ["-1"]
        )
        for v in versions
    }
    masks = choose_masks(frame, values, {})
    work = Work(frame, versions, {}, masks, None, None, None)
    work.values = lambda version: values[version.indicator.code]
    parts = {}
    for version in versions:
        parts[version.indicator.code] = indicator_part(work, version, "")
        work.kept.clear()
    return {"parts": parts, "verdicts": judge_parts(parts)}


def timed(work) -> tuple[float, object]:
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def bare_group_by(a: SimpleNamespace) -> float:
    """Seconds of one pandas group-by of the same columns, the best of three: sums of the weight and of the
    answers by everything that a domain is made of. Districts, streets and areas follow from the community.
    """
    keys = {"community": a.community, "sex": a.sex, "band": a.band, "school": a.school}
    frame = pd.DataFrame({**keys, "weight": a.base, **a.codes})

    def group() -> pd.DataFrame:
        return frame.groupby(list(keys), sort=False).sum()

    return min(timed(group)[0] for _ in range(3))


def main(rows: int) -> int:
    a = make_answers(rows)
    spent, weighted = timed(lambda: weights_of(a))
    print(f"{rows:,} responses, {INDICATORS} indicators; weights with all steps: {spent:.2f} s")
    domains, communities = domains_of(a)
    partitions = partitions_of(domains)
    labels = tuple(d.key for d in communities)
    place = np.unique(a.community, return_inverse=True)[1]
    partitions.append(Partition(COMMUNITY, place, labels, within_psu=True))
    print(f"{len(domains) + len(communities):,} domains")
    bare = bare_group_by(a)
    spent, found = timed(lambda: everything(a, weighted, partitions, domains, communities))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = sum(len(part["estimates"]) for part in found["parts"].values())
    areas = sum(len(part["small_areas"]["community"]) for part in found["parts"].values())
    print(f"bare group-by of the same columns: {bare:.3f} s")
    print(
        f"{figures:,} figures, {areas:,} small-area figures, {len(found['verdicts']):,} tests: {spent:.2f} s"
    )
    print(f"ratio {spent / bare:.1f} (at most {FACTOR:g}), peak {peak:.2f} GB (under {GIGABYTES:g})")
    return int(rows >= ROWS and (spent > FACTOR * bare or peak >= GIGABYTES))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
