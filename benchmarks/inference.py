"""Minyi beside svy, samplics and R survey on one synthetic survey: same figures, how long, how much memory.

    python -m benchmarks.inference [--rows 1000000] [--peer-python PATH]

Each engine runs in a process of its own, on one thread, one after another. `--peer-python` names the
interpreter that has svy and samplics (default: this one); R runs if `Rscript` is on the path. Times are CPU
seconds (user and system), so that a busy machine does not tilt the ratios, the best of three for Minyi and of
up to two for the peers; design checks are inside every time. GB is the peak of the process during the task.
With a million rows or more it exits with 1 when a ratio misses its bound.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ITEMS = [f"y{k}" for k in range(20)]
MARGINS = ("sex", "age", "education", "district")
SEED = 20260720
BOOTSTRAPS = 500
PEER_BOOTSTRAP_ROWS = 100_000  # svy's own limit in the issue: a million rows needs tens of gigabytes there
TASKS = ("means", "domains", "rake", "bootstrap", "glm")
# Least ratios of time to a peer's, from a million rows on.
BOUNDS = {
    "R survey": {"means": 60, "domains": 500, "rake": 300},
    "svy": {"means": 6, "domains": 150, "rake": 40, "bootstrap": 1, "glm": 1},
}
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def make_data(rows: int) -> dict[str, np.ndarray]:
    """5,000 PSUs in 200 strata, 164 streets in 13 districts, random row order, 3 % missing in each item."""
    rng = np.random.default_rng(SEED)
    psus, strata, streets, districts = 5000, 200, 164, 13
    psu = rng.permutation(np.arange(rows) % psus)
    street = psu * streets // psus
    effect = rng.normal(scale=0.3, size=psus)[psu]
    data: dict[str, np.ndarray] = {
        "psu": psu,
        "stratum": psu % strata,
        "street": street,
        "district": street * districts // streets,
        "w": rng.uniform(1, 3, rows),
        "sex": rng.integers(0, 2, rows),
        "age": rng.integers(0, 6, rows),
        "education": rng.integers(0, 5, rows),
        "x": rng.normal(size=rows),
    }
    for item in ITEMS:
        y = 25.0 * np.clip(np.round(2 + effect + rng.normal(size=rows)), 0, 4)
        y[rng.random(rows) < 0.03] = np.nan
        data[item] = y
    chance = 1 / (1 + np.exp(-(effect + 0.2 * data["sex"] + 0.3 * data["x"])))
    data["aware"] = (rng.random(rows) < chance).astype(float)
    return data


def margins(data: dict[str, np.ndarray]) -> dict[str, dict[int, float]]:
    """Population counts a little away from the sample's, one grand total."""
    out = {}
    for name in MARGINS:
        levels, counts = np.unique(data[name], return_counts=True)
        target = counts * (1 + 0.1 * np.sin(levels + 1))
        out[name] = {
            int(k): float(v) for k, v in zip(levels, target / target.sum() * 2 * len(data["w"]), strict=True)
        }
    return out


def best(run: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    times, result = [], None
    forget_peak()
    for _ in range(repeats):
        result = None  # the peak is one run's, not that of two results at once
        start = time.process_time()
        result = run()
        times.append(time.process_time() - start)
    return min(times), result


def minyi(data: dict[str, np.ndarray]) -> dict:
    from analysis.design import SurveyDesign
    from analysis.estimation import mean
    from analysis.inference.model_terms import Categorical, Numeric
    from analysis.inference.regression import glm
    from analysis.replicates import ReplicateDesign
    from analysis.weighting import rake

    goal = margins(data)

    def design() -> SurveyDesign:
        return SurveyDesign(data, weights="w", strata="stratum", clusters="psu")

    def bootstrap() -> object:
        replicated = ReplicateDesign.from_design(design(), "bootstrap", replicates=BOOTSTRAPS, seed=1)
        return mean(replicated, ITEMS[:5])

    terms = [Numeric("x"), Categorical("sex"), Categorical("age"), Categorical("education")]
    out: dict = {"seconds": {}, "figures": {}, "memory": {}}
    jobs = {
        "means": lambda: mean(design(), ITEMS),
        "domains": lambda: mean(design(), ITEMS[:5], by="street"),
        "rake": lambda: rake(design(), goal),
        "bootstrap": bootstrap,
        "glm": lambda: glm(design(), "aware", terms, family="binomial"),
    }
    for task, job in jobs.items():
        out["seconds"][task], result = best(job)
        out["memory"][task] = peak_gb()
        if task in ("means", "domains", "bootstrap"):
            out["figures"][task] = [result.estimate.tolist(), result.se.tolist()]
        elif task == "rake":
            out["figures"][task] = [result.weights[:1000].tolist()]
        else:
            out["figures"][task] = [result.coefficients.tolist(), result.se.tolist()]
    return out


def svy(data: dict[str, np.ndarray]) -> dict:
    import polars as pl
    from svy import Cat, Design, Sample

    frame = pl.DataFrame(dict(data)).with_columns(pl.col(ITEMS).fill_nan(None))
    goal = margins(data)

    def sample(part: pl.DataFrame = frame) -> Sample:
        return Sample(part, Design(stratum="stratum", psu="psu", wgt="w"))

    def means(by: str | None, items: list[str]) -> list:
        # One call per item: a joint call drops a row with any missing item.
        return [sample().estimation.mean(item, by=by, drop_nulls=True) for item in items]

    def one_design_means(by: str | None, items: list[str]) -> list:
        made = sample()
        return [made.estimation.mean(item, by=by, drop_nulls=True) for item in items]

    part = frame.head(PEER_BOOTSTRAP_ROWS)

    def bootstrap() -> list:
        made = sample(part).weighting.create_bs_wgts(n_reps=BOOTSTRAPS, rstate=1)
        return [made.estimation.mean(i, method="replication", drop_nulls=True) for i in ITEMS[:5]]

    features = ["x", Cat("sex"), Cat("age"), Cat("education")]
    out: dict = {"seconds": {}, "figures": {}, "memory": {}}
    jobs = {
        "means": lambda: one_design_means(None, ITEMS),
        "domains": lambda: one_design_means("street", ITEMS[:5]),
        "rake": lambda: sample().weighting.rake(controls=goal, tol=1e-10, max_iter=1000),
        "bootstrap": bootstrap,
        "glm": lambda: sample().glm.fit("aware", x=features, family="binomial"),
    }
    for task, job in jobs.items():
        try:
            out["seconds"][task], result = best(job, 1 if task == "domains" else 2)
        except Exception as error:  # a peer's failure is a line of the report, not the end of it
            out.setdefault("errors", {})[task] = f"{type(error).__name__}: {error}"[:300]
            continue
        out["memory"][task] = peak_gb()
        out["figures"][task] = svy_figures(task, result)
    return out


def svy_figures(task: str, result: object) -> list:
    if task in ("means", "domains", "bootstrap"):
        cells = []
        for estimate in result:
            rows = estimate.estimates
            key = (lambda r: float(r.by_level[0])) if task == "domains" else (lambda r: 0.0)
            cells += sorted(rows, key=key)
        return [[c.est for c in cells], [c.se for c in cells]]
    if task == "rake":
        return [result.data["rk_wgt"].head(1000).to_list()]
    return [[c.est for c in result.coefs], [c.se for c in result.coefs]]


def samplics(data: dict[str, np.ndarray]) -> dict:
    from samplics import PopParam, TaylorEstimator

    out: dict = {"seconds": {}, "figures": {}, "memory": {}}

    def means(items: list[str], by: np.ndarray | None) -> list:
        made = []
        for item in items:
            estimator = TaylorEstimator(PopParam.mean)
            estimator.estimate(
                y=data[item],
                samp_weight=data["w"],
                stratum=data["stratum"],
                psu=data["psu"],
                domain=by,
                remove_nan=True,
            )
            made.append(estimator)
        return made

    try:
        seconds, result = best(lambda: means(ITEMS[:2], None), 1)
        out["seconds"]["means"] = seconds * len(ITEMS) / 2
        out["note"] = "means: two items timed, times ten"
        point = [r.point_est for r in result]
        error = [r.stderror for r in result]
        if not isinstance(point[0], dict):
            out["figures"]["means"] = [[float(p) for p in point], [float(e) for e in error]]
        out["memory"]["means"] = peak_gb()
    except Exception as error:  # as above
        out["errors"] = {"means": f"{type(error).__name__}: {error}"[:300]}
    return out


def forget_peak() -> None:
    """Let the peak of memory start again, where the system can (Linux)."""
    if RESET.exists():
        RESET.write_text("5")


def peak_gb() -> float:
    """Peak resident memory since `forget_peak`, or of the whole process."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def run_engine(engine: str, python: str, path: Path, rows: int) -> dict | None:
    environment = os.environ | dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "RAYON_NUM_THREADS",
            "POLARS_MAX_THREADS",
        ),
        "1",
    )
    command = [python, str(Path(__file__)), "--engine", engine, "--data", str(path), "--rows", str(rows)]
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(
            f"{engine}: not run ({done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'})"
        )
        return None
    return json.loads(done.stdout.splitlines()[-1])


def run_r(data: dict[str, np.ndarray], folder: Path) -> dict | None:
    if shutil.which("Rscript") is None:
        print("R survey: not run (no Rscript)")
        return None
    table, goal = folder / "data.csv", folder / "margins.csv"
    columns = np.column_stack(list(data.values()))
    np.savetxt(table, columns, delimiter=",", header=",".join(data), comments="", fmt="%.17g")
    lines = [
        f"{m},{level},{count!r}" for m, levels in margins(data).items() for level, count in levels.items()
    ]
    goal.write_text("\n".join(["margin,level,count", *lines]))
    sizes = [str(PEER_BOOTSTRAP_ROWS), str(BOOTSTRAPS)]
    command = ["Rscript", str(Path(__file__).with_suffix(".R")), str(table), str(goal), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"R survey: not run ({done.stderr.strip().splitlines()[-1]})")
        return None
    found = json.loads(done.stdout.replace("NaN", "null").replace("NA", "null"))
    figures = {k: [found["est"][k], found["se"][k]] for k in found["est"]}
    figures["rake"] = figures["rake"][:1]
    memory = {k: v[0] for k, v in found["gb"].items() if v[0] is not None}
    return {"seconds": {k: v[0] for k, v in found["seconds"].items()}, "figures": figures, "memory": memory}


def agreement(task: str, a: list, b: list) -> str:
    """Largest relative difference of the figures both engines give."""
    if task == "bootstrap":
        return "random"
    worst = 0.0
    for x, y in zip(a, b, strict=False):
        k = min(len(x), len(y))
        p, q = np.array(x[:k], dtype=float), np.array(y[:k], dtype=float)
        worst = max(worst, float(np.nanmax(np.abs(p - q) / np.maximum(np.abs(q), 1e-12))))
    return f"{worst:.0e}"


def report(results: dict[str, dict]) -> None:
    mine = results["Minyi"]
    names = [n for n in results if n != "Minyi"]
    print(
        f"\n{'task':<11}{'Minyi s':>9}{'GB':>6}",
        *(f"{n + ' s':>14}{'GB':>6}{'ratio':>8}{'differs':>9}" for n in names),
    )
    for task in TASKS:
        line = f"{task:<11}{mine['seconds'][task]:>9.3f}{mine['memory'][task]:>6.2f}"
        for name in names:
            peer = results[name]
            if task not in peer["seconds"]:
                line += f"{'–':>15}{'':>23}"
                continue
            seconds = peer["seconds"][task]
            memory = peer["memory"].get(task)
            same = agreement(task, mine["figures"][task], peer["figures"].get(task, []))
            line += f"{seconds:>15.3f}{memory if memory is None else round(memory, 2)!s:>6}"
            line += f"{seconds / mine['seconds'][task]:>8.1f}{same:>9}"
        print(line)
    print(f"bootstrap: {BOOTSTRAPS} replicates; Minyi on all rows, peers on {PEER_BOOTSTRAP_ROWS:,}")
    for name in names:
        for task, words in results[name].get("errors", {}).items():
            print(f"{name}, {task}: {words}")
        if "note" in results[name]:
            print(f"{name}: {results[name]['note']}")


def missed(results: dict[str, dict]) -> list[str]:
    """The bounds that do not hold."""
    mine, out = results["Minyi"], []
    for name, bounds in BOUNDS.items():
        for task, least in bounds.items():
            seconds = results.get(name, {}).get("seconds", {}).get(task)
            if seconds is not None and seconds < least * mine["seconds"][task]:
                out.append(
                    f"{task}: {seconds / mine['seconds'][task]:.1f} times faster than {name}, bound {least}"
                )
    if mine["memory"]["bootstrap"] > 1:
        out.append(f"bootstrap: {mine['memory']['bootstrap']:.2f} GB, bound 1")
    peer = results.get("svy", {}).get("memory", {}).get("glm")
    if peer is not None and mine["memory"]["glm"] > peer / 2:
        out.append(f"glm: {mine['memory']['glm']:.2f} GB, bound half of svy's {peer:.2f}")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--engine", choices=("minyi", "svy", "samplics"))
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    if options.engine:
        with np.load(options.data) as stored:
            data = {k: stored[k] for k in stored.files}
        print(json.dumps({"minyi": minyi, "svy": svy, "samplics": samplics}[options.engine](data)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(options.rows)
        path = Path(folder) / "data.npz"
        np.savez(path, **data)
        print(f"{options.rows:,} rows, seed {SEED}, CPU seconds on one thread")
        mine = run_engine("minyi", sys.executable, path, options.rows)
        if mine is None:
            return 1
        results = {"Minyi": mine}
        for engine in ("svy", "samplics"):
            found = run_engine(engine, options.peer_python, path, options.rows)
            if found:
                results[engine] = found
        found = run_r(data, Path(folder))
        if found:
            results["R survey"] = found
    report(results)
    late = missed(results) if options.rows >= 1_000_000 else []
    for line in late:
        print(f"missed: {line}")
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
