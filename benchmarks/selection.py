"""Draws from 3.5 million households in 5,758 communities: this package against a bare numpy pass, in one run.

    python -m benchmarks.selection [--households 3500000] [--repeat 5] [--peer-python PATH]

Floating-point draws: a stratified two-stage PPS draw of 2,000 communities × 22 households (systematic,
Sampford) and a one-stage stratified draw of 100,000. The bare pass is what a few lines of numpy do: no
checks, no probabilities kept, no message when a community is too small. Both start from the community of
every household in frame order. Peers are timed on the same frame: R `sampling` (Rscript on the path) and svy
(`--peer-python` names the interpreter that has it; default: this one), each in a process of its own.

The certified draw: integers from the SHA-256 stream, exact fractions, and the hash tree of every community
and of the frame, against the bare systematic pass and one SHA-256 per household.

CPU seconds on one thread (user and system), best of the repeats, which take turns. Exits with 1 when a draw
takes more than 1.5 times the bare one or longer than a peer, the certified one more than 10 times its bare
pass, or the memory reaches 2 GB.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.selection.frame_draws import draw_stratified_srs, draw_two_stage_pps, group_rows
from analysis.selection.multistage import Stratum, Takes, draw_two_stage
from benchmarks.selection_frame import COMMUNITIES, STREETS, TAKE, Frame, takes_by_street, timed
from survey.sampling.tree import community_record, household_line, leaf_hash, tree_root

LIMIT, CERTIFIED_LIMIT, MEMORY_GB = 1.5, 10, 2
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")


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


def our_two_stage(frame: Frame, method: str, random: np.random.Generator) -> np.ndarray:
    groups = group_rows(frame.community, COMMUNITIES)
    return draw_two_stage_pps(groups, frame.street, frame.n_psus, TAKE, random, method=method).rows


def our_one_stage(frame: Frame, random: np.random.Generator) -> np.ndarray:
    groups = group_rows(frame.household_street, STREETS)
    return draw_stratified_srs(groups, takes_by_street(groups.sizes), random)


def compare(name: str, bare: Callable, ours: Callable, repeat: int, limit: float) -> tuple[float, bool]:
    """Time both in turn, so that a busy machine disturbs both alike: our seconds, and is the bound kept."""
    pairs = [(timed(bare), timed(ours)) for _ in range(repeat)]
    b, o = (min(pair[side][0] for pair in pairs) for side in (0, 1))
    taken = pairs[-1][1][1]
    print(
        f"{name:<26} bare {b:7.3f} s   ours {o:7.3f} s   ratio {o / b:5.2f} (≤ {limit:g})   "
        f"{taken:,} households"
    )
    return o, o <= limit * b


class Certified:
    """What a certificate is made from: opaque ids and lines with commitments, community by community."""

    def __init__(self, frame: Frame) -> None:
        sizes = np.bincount(frame.community, minlength=COMMUNITIES)
        random = np.random.default_rng(7)
        self.codes = [f"3701{street:03d}{c:05d}" for c, street in enumerate(frame.street)]
        self.ids: dict[str, list[str]] = {}
        self.lines: dict[str, list[bytes]] = {}
        for code, size in zip(self.codes, sizes.tolist(), strict=True):
            raw = random.bytes(48 * size).hex()
            ids = sorted(raw[i * 96 : i * 96 + 32] for i in range(size))
            salted = [raw[i * 96 + 32 : (i + 1) * 96] for i in range(size)]
            self.ids[code] = ids
            self.lines[code] = [
                household_line(opaque_id=i, community_code=code, kind="family", commitment=c)
                for i, c in zip(ids, salted, strict=True)
            ]
        self.strata = [
            Stratum(
                f"{h:03d}", {self.codes[k]: int(sizes[k]) for k in np.flatnonzero(frame.street == h)}, int(n)
            )
            for h, n in enumerate(frame.n_psus)
        ]

    def draw(self) -> np.ndarray:
        """The roots of all communities and of the frame, and the draw from a seed that binds to it."""
        records = []
        for code, lines in self.lines.items():
            root = tree_root([leaf_hash(line) for line in lines])
            record = community_record(community_code=code, n_family=len(lines), n_collective=0, root=root)
            records.append(leaf_hash(record))
        seed = hashlib.sha256(b"secret" + tree_root(records)).digest()
        sample = draw_two_stage(seed, self.strata, Takes(TAKE), self.ids.__getitem__)
        return np.array([household.number for household in sample.households])

    def bare(self, frame: Frame, random: np.random.Generator) -> np.ndarray:
        """The bare systematic pass, and one SHA-256 per household."""
        sha256 = hashlib.sha256
        for lines in self.lines.values():
            for line in lines:
                sha256(line).digest()
        return bare_two_stage(frame, bare_systematic, random)


def run_r(frame: Frame) -> dict[str, float]:
    if shutil.which("Rscript") is None:
        print("R sampling: skipped, Rscript is not installed")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        takes = takes_by_street(np.bincount(frame.household_street, minlength=STREETS))
        columns = {"community": frame.community, "street": frame.street, "n": frame.n_psus, "takes": takes}
        for name, values in columns.items():
            np.savetxt(here / f"{name}.txt", values, fmt="%d")
        return run_peer("R sampling", ["Rscript", str(Path(__file__).with_suffix(".R")), folder])


def run_svy(python: str, households: int) -> dict[str, float]:
    return run_peer("svy", [python, "-m", "benchmarks.selection_svy", str(households)])


def run_peer(name: str, command: list[str]) -> dict[str, float]:
    """Seconds by task; a peer that cannot run is a line of the report."""
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if run.returncode:
        print(f"{name}: skipped, {' '.join(run.stderr.split())[-300:] or 'it failed'}")
        return {}
    return json.loads(run.stdout.splitlines()[-1])


def floating(frame: Frame, random: np.random.Generator, repeat: int) -> tuple[dict[str, float], bool]:
    """Our seconds by task, and do all keep their bound?"""
    ours, good = {}, True
    for method, draw in (("systematic", bare_systematic), ("sampford", bare_sampford)):
        ours[method], kept = compare(
            f"two-stage PPS, {method}",
            lambda draw=draw: bare_two_stage(frame, draw, random),
            lambda method=method: our_two_stage(frame, method, random),
            repeat,
            LIMIT,
        )
        good &= kept
    ours["one-stage"], kept = compare(
        "one-stage stratified SRS",
        lambda: bare_one_stage(frame, random),
        lambda: our_one_stage(frame, random),
        repeat,
        LIMIT,
    )
    return ours, good and kept


def beside(name: str, seconds: dict[str, float], ours: dict[str, float]) -> bool:
    """Print a peer's times; False when it was faster anywhere."""
    for task, peer in seconds.items():
        print(
            f"{name:<12}{task:<14}{peer:7.3f} s   ours {ours[task]:7.3f} s   {peer / ours[task]:5.1f} times"
        )
    return all(ours[task] < peer for task, peer in seconds.items())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--households", type=int, default=3_500_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer-python", default=sys.executable)
    options = parser.parse_args(arguments)
    frame = Frame(options.households)
    random = np.random.default_rng(1)
    print(
        f"{len(frame.community):,} households, {COMMUNITIES:,} communities, {STREETS} streets; CPU seconds; "
        f"numpy {np.__version__}"
    )
    ours, good = floating(frame, random, options.repeat)
    good &= beside("R sampling", run_r(frame), ours)
    good &= beside("svy", run_svy(options.peer_python, options.households), ours)
    certified = Certified(frame)
    repeat = min(options.repeat, 3)
    _, kept = compare(
        "certified, with hash tree",
        lambda: certified.bare(frame, random),
        certified.draw,
        repeat,
        CERTIFIED_LIMIT,
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"peak memory {memory:.2f} GB (< {MEMORY_GB})")
    return 0 if good and kept and memory < MEMORY_GB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
