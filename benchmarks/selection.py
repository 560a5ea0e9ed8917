"""Draws from 3.5 million households in 5,758 communities: this package against a bare numpy pass, in one run.

    python -m benchmarks.selection [--households 3500000] [--repeat 5]

Prints seconds (best of the repeats, in turn) and ratios to the bare pass; exits with 1 when a draw takes more
than 1.5 times the bare one. Peers that are installed are timed on the same frame: R `sampling` (Rscript on
the path) and svy. The bare pass is what a few lines of numpy do: no checks, no probabilities kept, no
message when a community is too small. Both start from the community of every household in frame order.
"""

import argparse
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.selection.frame_draws import draw_stratified_srs, draw_two_stage_pps, group_rows

COMMUNITIES, STREETS = 5758, 164  # Jinan's, 2023
N_PSUS, TAKE, ONE_STAGE = 2000, 22, 100_000
LIMIT = 1.5


class Frame:
    """Community of each household (rows in no order), street of each community, PSUs per street."""

    def __init__(self, households: int) -> None:
        random = np.random.default_rng(20261123)
        # Spread so that no community is certain and Sampford's rejective procedure, the bare pass, ends.
        share = random.lognormal(0, 0.25, COMMUNITIES)
        sizes = np.maximum(60, (households * share / share.sum()).astype(np.int64))
        self.community = random.permutation(np.repeat(np.arange(COMMUNITIES, dtype=np.uint16), sizes))
        self.street = np.sort(random.integers(0, STREETS, COMMUNITIES))
        per_street = np.bincount(self.street, minlength=STREETS)
        self.n_psus = np.maximum(1, np.floor(N_PSUS * per_street / COMMUNITIES)).astype(int)
        self.n_psus[np.argsort(-per_street)[: N_PSUS - self.n_psus.sum()]] += 1

    @property
    def household_street(self) -> np.ndarray:
        return self.street.astype(np.uint8)[self.community]


def bare_systematic(p: np.ndarray, random: np.random.Generator) -> np.ndarray:
    c = np.cumsum(p)
    return np.searchsorted(c, random.random() + np.arange(round(c[-1])))


def bare_sampford(p: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sampford's own rejective procedure, as in R: one unit by π, the others by π/(1-π), until all differ."""
    n, odds = round(p.sum()), p / (1 - p)
    first, rest = np.cumsum(p / p.sum()), np.cumsum(odds / odds.sum())
    while True:
        s = np.append(np.searchsorted(first, random.random()), np.searchsorted(rest, random.random(n - 1)))
        if len(np.unique(s)) == n:
            return s


def bare_two_stage(frame: Frame, draw: Callable, random: np.random.Generator) -> np.ndarray:
    order = np.argsort(frame.community, kind="stable")
    sizes = np.bincount(frame.community, minlength=COMMUNITIES)
    first = np.cumsum(sizes) - sizes
    taken = []
    for street, n in enumerate(frame.n_psus):
        members = np.flatnonzero(frame.street == street)
        taken.append(members[draw(n * sizes[members] / sizes[members].sum(), random)])
    places = [
        first[psu] + random.choice(sizes[psu], TAKE, replace=False) for psu in np.concatenate(taken).tolist()
    ]
    return order[np.concatenate(places)]


def bare_one_stage(frame: Frame, random: np.random.Generator) -> np.ndarray:
    codes = frame.household_street
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=STREETS)
    first = np.cumsum(sizes) - sizes
    takes = takes_by_street(sizes)
    return order[
        np.concatenate(
            [f + random.choice(s, t, replace=False) for f, s, t in zip(first, sizes, takes, strict=True)]
        )
    ]


def takes_by_street(sizes: np.ndarray) -> np.ndarray:
    takes = ONE_STAGE * sizes // sizes.sum()
    takes[: ONE_STAGE - takes.sum()] += 1
    return takes


def our_two_stage(frame: Frame, method: str, random: np.random.Generator) -> np.ndarray:
    groups = group_rows(frame.community, COMMUNITIES)
    return draw_two_stage_pps(groups, frame.street, frame.n_psus, TAKE, random, method=method).rows


def our_one_stage(frame: Frame, random: np.random.Generator) -> np.ndarray:
    groups = group_rows(frame.household_street, STREETS)
    return draw_stratified_srs(groups, takes_by_street(groups.sizes), random)


def timed(work: Callable[[], np.ndarray]) -> tuple[float, int]:
    start = time.perf_counter()
    rows = work()
    return time.perf_counter() - start, len(np.unique(rows))


def compare(name: str, bare: Callable, ours: Callable, repeat: int) -> bool:
    """Time both in turn, so that a busy machine disturbs both alike."""
    pairs = [(timed(bare), timed(ours)) for _ in range(repeat)]
    b, o = (min(pair[side][0] for pair in pairs) for side in (0, 1))
    print(
        f"{name:<28} bare {b:7.3f} s   ours {o:7.3f} s   ratio {o / b:5.2f}   {pairs[-1][1][1]:,} households"
    )
    return o <= LIMIT * b


R_SCRIPT = """
suppressMessages(library(sampling))
d <- commandArgs(TRUE)[1]
community <- scan(file.path(d, "community.txt"), quiet = TRUE)
street <- scan(file.path(d, "street.txt"), quiet = TRUE)
n <- scan(file.path(d, "n.txt"), quiet = TRUE)
for (method in c("systematic", "sampford")) {
  draw <- if (method == "systematic") UPsystematic else UPsampford
  seconds <- system.time({
    rows <- split(seq_along(community), community)
    size <- lengths(rows)
    chosen <- unlist(lapply(seq_along(n), function(h) {
      m <- which(street == h - 1)
      m[draw(inclusionprobabilities(size[m], n[h])) == 1]
    }))
    s <- unlist(lapply(rows[chosen], function(r) r[sample.int(length(r), 22)]))
  })["elapsed"]
  cat(sprintf("R sampling %-17s %7.3f s   %d households\\n", method, seconds, length(s)))
}
"""


def run_r(frame: Frame) -> None:
    if shutil.which("Rscript") is None:
        print("R sampling: skipped, Rscript is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        np.savetxt(here / "community.txt", frame.community, fmt="%d")
        np.savetxt(here / "street.txt", frame.street, fmt="%d")
        np.savetxt(here / "n.txt", frame.n_psus, fmt="%d")
        (here / "draw.R").write_text(R_SCRIPT, encoding="utf-8")
        run = subprocess.run(
            ["Rscript", str(here / "draw.R"), folder], capture_output=True, text=True, check=False
        )
    print(run.stdout.strip() if run.returncode == 0 else f"R sampling: skipped, {run.stderr.strip()[-200:]}")


def run_svy(frame: Frame) -> None:
    if importlib.util.find_spec("svy") is None:
        print("svy: skipped, it is not installed")
        return
    svy, pl = importlib.import_module("svy"), importlib.import_module("polars")
    households = pl.DataFrame({"community": frame.community, "row": np.arange(len(frame.community))})
    streets = pl.DataFrame({"community": np.arange(COMMUNITIES, dtype=np.uint16), "street": frame.street})
    takes = dict(enumerate(frame.n_psus.tolist()))
    for method in ("pps_sys", "pps_rs"):
        start = time.perf_counter()
        psus = households.group_by("community").len("size").join(streets, on="community")
        stage = svy.Sample(psus, svy.Design(stratum="street", mos="size")).sampling
        first = getattr(stage, method)(n=takes, rstate=1)
        inside = households.join(first.data.select("community"), on="community")
        second = svy.Sample(inside, svy.Design(stratum="community")).sampling.srs(n=TAKE, rstate=2)
        print(f"svy {method:<24} {time.perf_counter() - start:7.3f} s   {second.data.height:,} households")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--households", type=int, default=3_500_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(arguments)
    frame = Frame(options.households)
    random = np.random.default_rng(1)
    print(
        f"{len(frame.community):,} households, {COMMUNITIES:,} communities, {STREETS} streets; "
        f"numpy {np.__version__}"
    )
    good = [
        compare(
            f"two-stage PPS, {method}",
            lambda draw=draw: bare_two_stage(frame, draw, random),
            lambda method=method: our_two_stage(frame, method, random),
            options.repeat,
        )
        for method, draw in (("systematic", bare_systematic), ("sampford", bare_sampford))
    ]
    good.append(
        compare(
            "one-stage stratified SRS",
            lambda: bare_one_stage(frame, random),
            lambda: our_one_stage(frame, random),
            options.repeat,
        )
    )
    run_r(frame)
    run_svy(frame)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
