"""Runner of `survey-cases/1` (FORMAT.md beside the data): build the design, run the verb, compare."""

from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from tests.reference.compare import Outcome, Unsupported, case_name, close, guarded, number, numbers
from tests.reference.survey_data import Designs
from tests.reference.survey_verbs import VERBS

_LOOSE = {"statistic", "r_method", "type", "names", "terms", "by", "note", "message"}


def run_folder(folder: Path, expected: dict) -> list[Outcome]:
    designs = Designs(folder, expected)
    checks = [
        guarded(f"design {name}", lambda name=name: _check_design(designs, name))
        for name in expected["designs"]
    ]
    # A design that fails its check is one failure more; those that pass are not cases.
    return [o for o in checks if o.lines] + [
        guarded(case_name(case, k), lambda case=case: run_case(designs, case))
        for k, case in enumerate(expected["cases"])
    ]


def _check_design(designs: Designs, name: str) -> Outcome:
    check = designs.expected["designs"][name].get("check")
    outcome = Outcome(f"design {name}")
    if not check:
        return outcome
    try:
        design = designs.build(name, "remove")
    except Exception as error:
        outcome.fail(f"refused: {type(error).__name__}: {error}")
        return outcome
    n = len(designs.frame(name))
    got = {"n": n, "degf": design.df, "sum_weights": design.weights.sum()}
    for key, want in check.items():
        if not close(float(got[key]), number(want), 1e-8):
            outcome.fail(f"{key}: got {got[key]!r}, expected {want!r}")
    return outcome


def run_case(designs: Designs, case: dict) -> Outcome:
    outcome = Outcome(str(case["id"]))
    verb = VERBS.get(case["spec"]["verb"])
    if verb is None:
        return Outcome(outcome.case, "unsupported", [f"verb {case['spec']['verb']}"])
    try:
        design = designs.build(case["design"], case["lonely_psu"], bool(case.get("domain_lonely")))
        got = verb(design, designs.frame(case["design"]), case["spec"], case)
    except Unsupported as missing:
        return Outcome(outcome.case, "unsupported", [str(missing)])
    except AnalysisError as error:
        if case["compare"] not in ("error", "artifact"):
            outcome.fail(f"refused: {type(error).__name__}: {error}")
        return outcome
    if case["compare"] == "error":
        values = np.array(list(got.get("est", {0: {"est": 0}}).values()), dtype=object)
        if not all(np.isnan(v.get("est", 0.0)) or np.isnan(v.get("se", 0.0)) for v in values):
            outcome.fail("expected a refusal, got a number")
        return outcome
    if case["compare"] == "artifact":
        _artifact(outcome, got, case)
        return outcome
    _compare(outcome, got, case)
    return outcome


def _artifact(outcome: Outcome, got: dict, case: dict) -> None:
    """No numbers: an empty domain has no estimate; a share of 1 has an interval inside [0, 1] or none."""
    if case["results"]["type"] == "proportion_ci":
        for row in got["est"].values():
            if not np.isnan(row["est"]) and abs(row["est"] - 1) > 1e-6:
                outcome.fail(f"estimate {row['est']}, expected 1 or none")
            for end in ("ci_lo", "ci_hi"):
                if not np.isnan(row[end]) and not -1e-12 <= row[end] <= 1 + 1e-12:
                    outcome.fail(f"{end} {row[end]} lies outside [0, 1]")
        return
    want = _estimate_rows(case["results"])
    for key, row in got["est"].items():
        expected = want.get(key)
        if expected is not None and number(expected["est"]) == 0 and row["est"] == 0 and row["se"] == 0:
            outcome.fail(f"{key}: 0 ± 0 for an empty domain")


def _estimate_rows(results: dict) -> dict[tuple, dict]:
    rows = {}
    by = results.get("by") or {}
    for i, term in enumerate(results["terms"]):
        key = (term, tuple((c, str(v[i])) for c, v in by.items()))
        row = {k: results[k][i] for k in ("est", "se", "var", "cv", "deff", "t", "p") if k in results}
        for k in ("ci95_z", "ci95_t", "ci95"):
            if k in results:
                row[f"{k}_lo"], row[f"{k}_hi"] = results[k][i]
        rows[key] = row
    return rows


def _compare(outcome: Outcome, got: dict, case: dict) -> None:
    results = case["results"]
    rs = max(case["rtol"], case.get("rtol_se") or 0)
    kind = results["type"]
    if kind in ("estimates", "model", "ordinal"):
        _compare_rows(outcome, got, case, rs)
    elif kind == "proportion_ci":
        _compare_proportions(outcome, got["est"], results, case["rtol"], rs)
    elif kind in ("quantiles", "quantiles_by"):
        _compare_quantiles(outcome, got, results, case, rs)
    elif kind in ("values", "matrix"):
        a, b = (
            np.ravel(np.asarray(got["values"], float)),
            numbers(np.ravel(np.array(results["values"], object))),
        )
        if a.shape != b.shape:
            outcome.fail(f"{len(a)} values, expected {len(b)}")
            return
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            if not close(x, y, rs, slack=1e-9 * np.nanmax(np.abs(b)) if case["compare"] == "zero" else 0):
                outcome.fail(f"value {i}: got {x!r}, expected {y!r}")
    elif kind == "aic":
        for i, (x, y) in enumerate(zip(got["models"], results["models"], strict=True)):
            for key, want in y.items():
                if not close(x[key], number(want), rs):
                    outcome.fail(f"model {i} {key}: got {x[key]!r}, expected {want!r}")
    else:
        _compare_named(outcome, got, results, rs)


def _compare_named(
    outcome: Outcome, got: dict, results: dict, rs: float, skip: frozenset = frozenset()
) -> None:
    """Every named number of a test, or the scalars of a model."""
    for key, want in results.items():
        if key in (_LOOSE - {"statistic"}) | skip:
            continue
        if key == "parameter":
            _compare_named(outcome, got.get("parameter", {}), want, rs)
            continue
        if key not in got:
            outcome.fail(f"{key} is absent")
            continue
        have = got[key]
        if key == "lambda":
            have, want = np.sort(np.asarray(have, float)), np.sort(numbers(want))
        pairs = list(zip(np.ravel(have), np.ravel(np.array(want, object)), strict=True))
        for a, b in pairs:
            b = number(b)
            if key in ("p", "p_value"):
                good = close(float(a), b, max(10 * rs, 1e-6), slack=1e-12)
            elif key == "t":
                good = close(float(a), b, rs, floor=1)
            elif key in ("ci95", "ci"):
                good = close(float(a), b, rs, floor=abs(number(results["estimate"])))
            else:
                good = close(float(a), b, rs)
            if not good:
                outcome.fail(f"{key}: got {float(a)!r}, expected {b!r}")


def _compare_rows(outcome: Outcome, got: dict, case: dict, rs: float) -> None:
    results = case["results"]
    zero = case["compare"] == "zero"
    want = _estimate_rows(results) if results["type"] != "ordinal" else _ordinal_rows(results)
    finite = [abs(number(r["est"])) for r in want.values() if np.isfinite(number(r["est"]))]
    s = max(finite, default=0.0)
    z = 1e-7 * s if zero else 0.0
    model = results["type"] in ("model", "ordinal") or case["spec"]["verb"] == "contrast"
    for key, row in want.items():
        have = got["est"].get(key)
        if have is None:
            outcome.fail(f"{key}: no such row")
            continue
        est, se = number(row["est"]), number(row.get("se", 0))
        tiny = zero and (np.isnan(se) or se <= z)
        only_est = zero and np.isnan(se) and not np.isnan(est)
        for name, value in row.items():
            value = number(value)
            if (only_est and name != "est") or (tiny and name in ("cv", "deff")):
                continue
            a = float(have.get(name, np.nan))
            if name == "est":
                good = close(a, value, case["rtol"], se if model else 0, 1e-9 * s if zero else 0)
            elif name in ("se", "var"):
                good = close(a, value, rs, slack=z if name == "se" else z * z)
            elif name.startswith("ci95"):
                good = close(a, value, rs, abs(est) + se, z)
            elif name == "t":
                good = close(a, value, rs, 1)
            elif name == "p":
                good = close(a, value, max(10 * rs, 1e-6), slack=1e-12)
            else:
                good = close(a, value, rs)
            if not good:
                outcome.fail(f"{_label(key)} {name}: got {a!r}, expected {value!r}")
    if "vcov" in results and got.get("vcov") is not None and len(got["vcov"]):
        _compare_vcov(outcome, got, results, list(want), rs, z)
    elif "vcov" in results:
        outcome.fail("vcov is absent")
    _scalars(outcome, got, results, rs)


def _scalars(outcome: Outcome, got: dict, results: dict, rs: float) -> None:
    names = ("df", "df_residual", "degf_design", "nobs", "deviance", "null_deviance", "dispersion")
    for name in names:
        if name in results:
            a = float(got.get(name, np.nan))
            if not close(a, number(results[name]), rs):
                outcome.fail(f"{name}: got {a!r}, expected {results[name]!r}")


def _ordinal_rows(results: dict) -> dict[tuple, dict]:
    names = list(results["terms"]) + list(results["cutpoint_terms"])
    est = list(results["est"]) + list(results["cutpoints"])
    rows = {(n, ()): {"est": e} for n, e in zip(names, est, strict=True)}
    for k in ("se", "t", "p"):
        for n, v in zip(names, results.get(k, []), strict=False):
            rows[n, ()][k] = v
    return rows


def _compare_vcov(outcome: Outcome, got: dict, results: dict, keys: list, rs: float, z: float) -> None:
    place = {k: i for i, k in enumerate(got["est"])}
    if any(k not in place for k in keys):
        return
    index = [place[k] for k in keys]
    a = np.asarray(got["vcov"])[np.ix_(index, index)]
    b = np.array([numbers(r) for r in results["vcov"]])
    se = np.sqrt(np.maximum(np.diag(b), 0))
    for i in range(len(b)):
        for j in range(len(b)):
            slack = z * max(se[i], se[j], z)
            if not np.isnan(se[i] * se[j]) and not close(a[i, j], b[i, j], rs, se[i] * se[j], slack):
                outcome.fail(f"vcov {i},{j}: got {a[i, j]!r}, expected {b[i, j]!r}")


def _compare_proportions(outcome: Outcome, rows: dict, results: dict, rtol: float, rs: float) -> None:
    if "by" in results:
        by = results["by"]
        for i, est in enumerate(results["est"]):
            key = tuple((c, str(v[i])) for c, v in by.items())
            row = {"est": est, "ci_lo": results["ci_lo"][i], "ci_hi": results["ci_hi"][i]}
            _compare_proportion(outcome, rows.get(key), row, rtol, rs)
        return
    row = {"est": results["est"], "ci_lo": results["ci"][0], "ci_hi": results["ci"][1]}
    row |= {k: results[k] for k in ("se", "df") if k in results}
    _compare_proportion(outcome, rows.get(()), row, rtol, rs)


def _compare_proportion(outcome: Outcome, have: dict | None, row: dict, rtol: float, rs: float) -> None:
    if have is None:
        outcome.fail("no such domain")
        return
    for name, value in row.items():
        r = rtol if name == "est" else rs
        floor = abs(number(row["est"])) + have["se"] if name.startswith("ci") else 0
        if not close(float(have[name]), number(value), r, floor):
            outcome.fail(f"{name}: got {have[name]!r}, expected {value!r}")


def _compare_quantiles(outcome: Outcome, got: dict, results: dict, case: dict, rs: float) -> None:
    wanted: dict[Any, dict] = {}
    if results["type"] == "quantiles_by":
        for i in range(len(results["quantile"])):
            key = tuple((c, str(v[i])) for c, v in results["by"].items())
            wanted[key] = {k: results[k][i] for k in ("quantile", "ci_lo", "ci_hi") if k in results}
    else:
        for name, v in results["variables"].items():
            for i, p in enumerate(v["probs"]):
                wanted[name, p] = {k: v[k][i] for k in ("quantile", "ci_lo", "ci_hi", "se") if k in v}
        if "df" in results and not close(float(got["df"]), number(results["df"]), rs):
            outcome.fail(f"df: got {got['df']!r}, expected {results['df']!r}")
    for key, row in wanted.items():
        have = got["rows"].get(key)
        if have is None:
            outcome.fail(f"{key}: no such row")
            continue
        for name, value in row.items():
            value = number(value)
            r = case["rtol"] if name == "quantile" else rs
            floor = abs(number(row["quantile"])) + np.nan_to_num(number(row.get("se", 0)))
            if not close(float(have[name]), value, r, floor if name.startswith("ci") else 0):
                outcome.fail(f"{key} {name}: got {have[name]!r}, expected {value!r}")


def _label(key: tuple) -> str:
    term, by = key
    return term + "".join(f" {c}={v}" for c, v in by)
