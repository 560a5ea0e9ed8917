"""Each verb of the sampling case format through the public API of `analysis`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.disclosure import LinkedTables, audit_suppression
from analysis.inference.drivers import relative_importance
from analysis.inference.ranking import (
    RankSets,
    rank_counts,
    rank_joint_intervals,
    rank_pairwise,
    rank_simultaneous,
)
from analysis.rates import outcome_rates
from analysis.reliability import analyse_items, mcdonald_omega
from analysis.representativeness import Partial, r_indicator
from analysis.small_area import benchmark, direct_domain_mean, fay_herriot, unit_level_eblup
from analysis.small_area.fay_herriot import FayHerriot
from analysis.suppression import protect
from tests.reference.compare import Outcome
from tests.reference.sampling_compare import compare_results

Given = dict[str, Any]
Verb = Callable[[Given, Given, Path], Given]
Judge = Callable[[dict, Given, Outcome], None]
_DRAWS = 200_000


def read(folder: Path, file: str) -> pd.DataFrame:
    """A table of the format; empty and NA are missing."""
    return pd.read_csv(folder / file, keep_default_na=False, na_values=["", "NA"], encoding="utf-8")


def _model(inputs: dict) -> dict[str, list[str]]:
    """Covariates named outright, or read from the words of the model."""
    if "numeric" in inputs or "categorical" in inputs:
        return {k: list(inputs.get(k) or []) for k in ("numeric", "categorical")}
    numeric, categorical = [], []
    for part in re.sub(r"\(.*?\)", "", inputs["model"]).split("+"):
        indicator = re.match(r"\s*indicators? of (\S+)", part)
        if indicator:
            categorical.append(indicator.group(1))
        elif part.strip() != "intercept":
            numeric.append(part.strip())
    return {"numeric": numeric, "categorical": categorical}


def _fay_herriot_results(fit: FayHerriot) -> Given:
    return {
        "eblup": fit.estimate,
        "estimate": fit.estimate,
        "mse": fit.mse,
        "beta": fit.beta,
        "beta_se": fit.beta_se,
        "refvar": fit.refvar,
        "loglike": fit.loglike,
        "AIC": fit.aic,
        "BIC": fit.bic,
    }


def _fay_herriot(given: Given, options: Given, folder: Path) -> Given:
    frame = read(folder, given["file"])
    method = options["method"]
    fit = fay_herriot(frame, estimate=given["y"], variance=given["variance"], method=method, **_model(given))
    return _fay_herriot_results(fit)


def _fay_herriot_predict(given: Given, options: Given, folder: Path) -> Given:
    frame = read(folder, given["file"])
    without = np.isin(np.arange(1, len(frame) + 1), given["areas_without_direct_estimate"])
    frame[given["y"]] = frame[given["y"]].astype(float).mask(without)
    method = options["method"]
    fit = fay_herriot(frame, estimate=given["y"], variance=given["variance"], method=method, **_model(given))
    return _fay_herriot_results(fit)


def _benchmark(given: Given, options: Given, folder: Path) -> Given:
    theta, share = np.array(given["estimate"], dtype=float), np.array(given["share"], dtype=float)
    return {m: benchmark(theta, share, given["target_mean"], method=m) for m in ("ratio", "difference")}


def _unit_level(given: Given, options: Given, folder: Path) -> Given:
    domain, size, *means = given["population_columns"]
    fit = unit_level_eblup(
        read(folder, given["file"]),
        y=given["y"],
        x=given["x"],
        domain=given["domain"],
        population=read(folder, given["population_file"]),
        population_domain=domain,
        population_size=size,
        population_means=means,
        method=options["method"],
    )
    return {
        "domain": list(fit.domains),
        "eblup": fit.estimate,
        "sample_size": fit.sample_size,
        "beta": fit.beta,
        "error_variance": fit.error_variance,
        "area_variance": fit.area_variance,
    }


def _direct(given: Given, options: Given, folder: Path) -> Given:
    result = direct_domain_mean(
        read(folder, given["file"]),
        y=given["y"],
        domain=given["domain"],
        weights=given.get("weight"),
        sizes=given.get("domain_sizes"),
        design=options["design"],
    )
    columns = {"n": result.n, "mean": result.mean, "sd": result.sd, "cv_percent": result.cv_percent}
    return columns | {"domain": list(result.areas)}


def _estimates(given: Given, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    if "file" in given:
        frame = read(folder, given["file"])
        return frame[given["estimate"]].to_numpy(dtype=float), frame[given["se"]].to_numpy(dtype=float)
    return np.array(given["estimate"], dtype=float), np.array(given["se"], dtype=float)


def _order(options: Given) -> Given:
    return {"level": options["confidence"], "highest_first": options["rank_one_is"] == "highest"}


def _ranks(sets: RankSets) -> Given:
    return {"z": sets.critical, "rank_low": sets.low, "rank_high": sets.high}


def _rank_joint(given: Given, options: Given, folder: Path) -> Given:
    correction = options["correction"].lower()
    return _ranks(rank_joint_intervals(*_estimates(given, folder), correction=correction, **_order(options)))


def _rank_pairwise(given: Given, options: Given, folder: Path) -> Given:
    return _ranks(rank_pairwise(*_estimates(given, folder), **_order(options)))


def _rank_simultaneous(given: Given, options: Given, folder: Path) -> Given:
    sets = rank_simultaneous(
        *_estimates(given, folder), stepdown=options["stepdown"], draws=_DRAWS, **_order(options)
    )
    return _ranks(sets)


def judge_simultaneous(case: dict, got: Given, outcome: Outcome) -> None:
    """The method simulates: a bound lies between the two that the case gives, exact where they agree."""
    want = case["results"]
    low, high = want["rank_low"], want["rank_high"]
    least, most = want.get("rank_low_least", low), want.get("rank_high_most", high)
    for k, (a, b) in enumerate(zip(got["rank_low"], got["rank_high"], strict=True)):
        if not (least[k] <= a <= low[k] and high[k] <= b <= most[k]):
            outcome.fail(f"unit {k + 1}: {a}–{b}, expected {least[k]}…{low[k]}–{high[k]}…{most[k]}")


def _rank_counts(given: Given, options: Given, folder: Path) -> Given:
    correction = options["correction"].lower()
    return _ranks(rank_counts(np.array(given["counts"]), correction=correction, **_order(options)))


def _importance(given: Given, options: Given, folder: Path) -> Given:
    frame = read(folder, given["file"])
    weights = given.get("weights")
    weights = frame[weights].to_numpy() if isinstance(weights, str) else weights
    result = relative_importance(frame[given["y"]].to_numpy(), frame[given["x"]].to_numpy(), weights=weights)
    names = ("r2", "shapley", "shapley_share", "first", "last", "betasq", "pratt")
    return {name: getattr(result, name) for name in names}


def _alpha(given: Given, options: Given, folder: Path) -> Given:
    result = analyse_items(read(folder, given["file"]), given.get("items"))
    names = ("alpha", "alpha_standardised", "average_r", "alpha_if_dropped", "item_rest_correlation")
    return {name: getattr(result, name) for name in names} | {
        "reversed": [n in result.negative for n in result.names]
    }


def judge_alpha(case: dict, got: Given, outcome: Outcome) -> None:
    """All numbers, and every item whose correlation with the rest is negative must be reported."""
    compare_results(outcome, got, case)
    negative = [r < 0 for r in case["results"].get("item_rest_correlation", [])]
    for k, (told, so) in enumerate(zip(got["reversed"], negative, strict=False)):
        if so and not told:
            outcome.fail(f"item {k + 1} runs the other way and is not reported")


def _omega(given: Given, options: Given, folder: Path) -> Given:
    if "correlation" in given:
        correlation = np.array(given["correlation"], dtype=float)
    else:
        correlation = read(folder, given["file"]).corr().to_numpy()
    out: Given = {}
    for method in ("ml", "minres"):
        result = mcdonald_omega(correlation, method=method)
        out |= {f"omega_{method}": result.omega, f"loadings_{method}": result.loadings}
        out["alpha_standardised"] = result.alpha_standardised
    return out


def _outcome_rates(given: Given, options: Given, folder: Path) -> Given:
    result = outcome_rates(given["counts"], given.get("e"))
    return {"e": result.e, **result.rates}


def _partials(partials: Any) -> Given:
    def one(p: Partial) -> Given:
        return {
            "overall": p.overall,
            "overall_adjusted": p.overall_adjusted,
            "by_category": dict(p.by_category),
        }

    return {name: one(p) for name, p in partials.items()}


def _r_indicator(given: Given, options: Given, folder: Path) -> Given:
    x = [given["x"]] if isinstance(given["x"], str) else given["x"]
    result = r_indicator(
        read(folder, given["file"]),
        response=given["response"],
        x=x,
        weights=given.get("weight"),
        strata=given.get("stratum"),
    )
    names = ("propensity_mean", "propensity_variance", "r_unadjusted", "r_adjusted", "bias_of_variance")
    return {name: getattr(result, name) for name in names} | {
        "coefficient_of_variation_unadjusted": result.coefficient_of_variation,
        "partial_unconditional": _partials(result.unconditional),
        "partial_conditional": _partials(result.conditional),
        "beta": result.beta,
        "beta_names": list(result.beta_names),
    }


def _tables(given: Given, options: Given) -> LinkedTables:
    equations = [(e["total"], e["parts"]) for e in given["equations"]]
    return LinkedTables(given["cells"], equations, options.get("lower_bound", 0), options.get("upper_bound"))


def _audit(given: Given, options: Given, folder: Path) -> Given:
    whole = all(float(v).is_integer() for v in given["cells"].values())
    percent = options["protection_percent"]
    audit = audit_suppression(
        _tables(given, options), given["primary"], given["secondary"], protection_percent=percent, whole=whole
    )

    def bound(value: float | None) -> float | None:
        return None if value is None or np.isinf(value) else value

    cells = {
        name: {
            "value": cell.value,
            "low": bound(cell.low),
            "high": bound(cell.high),
            "status": cell.status,
            "integer_low": bound(cell.integer_low),
            "integer_high": bound(cell.integer_high),
        }
        for name, cell in audit.cells.items()
    }
    return {
        "cells": cells,
        "recoverable": list(audit.recoverable),
        "unprotected_primary": list(audit.unprotected_primary),
        "passes": audit.passes,
    }


def _search(given: Given, options: Given, folder: Path) -> Given:
    tables, percent = _tables(given, options), options["protection_percent"]
    found = {
        objective: protect(
            tables,
            given["primary"],
            protection_percent=percent,
            candidates=given["candidates"],
            objective=objective,
            method="exact",
        )
        for objective in ("count", "value")
    }
    fails = [
        f"{objective}: {pattern.secondary} fails its audit or holds a cell that is no candidate"
        for objective, pattern in found.items()
        if not set(pattern.secondary) <= set(given["candidates"])
        or not audit_suppression(
            tables, given["primary"], pattern.secondary, protection_percent=percent
        ).passes
    ]
    return {
        "fewest_count": found["count"].count,
        "sum_of_example": found["count"].value,
        "smallest_sum": found["value"].value,
        "fails": fails,
    }


def judge_search(case: dict, got: Given, outcome: Outcome) -> None:
    """Any pattern that reaches the figures and passes its audit is right."""
    for line in got["fails"]:
        outcome.fail(line)
    figures = {k: v for k, v in case["results"].items() if not k.startswith("example")}
    compare_results(outcome, got, case | {"results": figures})


VERBS: dict[str, Verb] = {
    "fay_herriot": _fay_herriot,
    "fay_herriot_predict": _fay_herriot_predict,
    "benchmark": _benchmark,
    "unit_level_eblup": _unit_level,
    "direct_domain_mean": _direct,
    "rank_joint_intervals": _rank_joint,
    "rank_pairwise": _rank_pairwise,
    "rank_simultaneous": _rank_simultaneous,
    "rank_counts": _rank_counts,
    "relative_importance": _importance,
    "cronbach_alpha": _alpha,
    "mcdonald_omega": _omega,
    "outcome_rates": _outcome_rates,
    "r_indicator": _r_indicator,
    "audit_suppression": _audit,
    "search_secondary": _search,
}
JUDGES: dict[str, Judge] = {
    "rank_simultaneous": judge_simultaneous,
    "cronbach_alpha": judge_alpha,
    "search_secondary": judge_search,
}
