"""Each verb of the survey case format as calls of the public API of `analysis`."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from analysis.estimation import (
    Estimate,
    contrast,
    covariance_matrix,
    mean,
    mean_interval,
    proportion_interval,
    quantile,
    ratio,
    smooth_contrast,
    statistic,
    total,
)
from analysis.hadamard import hadamard
from analysis.inference.agreement import cohen_kappa, cronbach_alpha
from analysis.inference.chisquare import goodness_of_fit_test, independence_test
from analysis.inference.comparison import rank_test, t_test
from analysis.inference.model_terms import Categorical, Interaction, Numeric
from analysis.inference.ordinal import ordinal
from analysis.inference.regression import RegressionResult, glm, predictive_means
from analysis.inference.result import TestResult
from analysis.inference.term_tests import design_aic, pseudo_r2, term_test
from tests.reference.compare import Unsupported, number
from tests.reference.survey_data import (
    arithmetic,
    expression,
    factor_columns,
    levels_of,
    predicate,
    single,
    variable,
)

Result = dict[str, Any]


def domain(frame: pd.DataFrame, spec: dict) -> np.ndarray | None:
    return predicate(frame, spec["where"]) == 1 if spec.get("where") else None


def missing(spec: dict) -> str:
    return "listwise" if spec.get("na_rm") else "propagate"


def by_columns(frame: pd.DataFrame, spec: dict) -> list[str] | None:
    return list(spec["by"]) if spec.get("by") else None


def keys(result: Estimate) -> list[tuple]:
    return [(t, tuple((c, str(v[i])) for c, v in result.domains.items())) for i, t in enumerate(result.terms)]


def rows(result: Estimate, spec: dict) -> Result:
    """Estimate as {(term, by): numbers}, with both intervals the format gives."""
    z_low, z_high = mean_interval(result.estimate, result.se, np.inf)
    t_low, t_high = mean_interval(result.estimate, result.se, result.design_df)
    table = {
        "est": result.estimate,
        "se": result.se,
        "var": result.variance,
        "cv": result.cv,
        "ci95_z_lo": z_low,
        "ci95_z_hi": z_high,
        "ci95_t_lo": t_low,
        "ci95_t_hi": t_high,
    }
    if spec.get("deff"):
        table["deff"] = result.design_effect(spec["deff"])
    est = {k: {n: float(v[i]) for n, v in table.items()} for i, k in enumerate(keys(result))}
    return {"est": est, "vcov": result.vcov, "df": result.design_df, "estimate": result}


def estimates(design: Any, frame: pd.DataFrame, spec: dict) -> Estimate:
    options = {
        "by": by_columns(frame, spec),
        "where": domain(frame, spec),
        "missing": missing(spec),
        "drop_empty": spec.get("drop_empty", True),
    }
    if spec["verb"] == "ratio":
        tops = {k: v for x in spec["numerator"] for k, v in variable(frame, x).items()}
        lows = {k: v for x in spec["denominator"] for k, v in variable(frame, x).items()}
        return ratio(design, tops, lows, **options)
    items = {k: v for x in spec["variables"] for k, v in variable(frame, x).items()}
    verb = {"mean": mean, "total": total}[spec.get("statistic", spec["verb"])]
    return verb(design, items, **options)


def run_estimates(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return rows(estimates(design, frame, spec), spec)


def run_cv(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return {"values": estimates(design, frame, spec).cv}


def run_degf(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return {"values": [design.degrees_of_freedom(domain(frame, spec))]}


def run_weights(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return {"values": design.weights}


def run_proportion_ci(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    values = single(frame, spec["variable"])
    where = domain(frame, spec)
    result = mean(design, {"p": values}, by=by_columns(frame, spec), where=where, missing=missing(spec))
    method = spec["method"]
    n = result.n if method == "likelihood" else result.n_domain
    low, high = proportion_interval(
        result.estimate,
        result.variance,
        method=method,
        level=spec["level"],
        df=result.domain_df,
        n=n,
        logit_variance=result.logit_variance,
    )
    out = {}
    for i, (_, by) in enumerate(keys(result)):
        out[by] = {"est": result.estimate[i], "ci_lo": low[i], "ci_hi": high[i], "se": result.se[i]}
        out[by]["df"] = result.domain_df[i]
    return {"est": out}


def run_table(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    a, b = spec["variables"]
    codes, levels = levels_of(frame[a])
    known = codes >= 0
    columns = factor_columns(frame, b)
    result = np.zeros((len(levels), len(columns)))
    for k in range(len(levels)):
        cells = {name: np.where(known & (codes == k), np.nan_to_num(v), 0.0) for name, v in columns.items()}
        result[k] = total(design, cells, where=domain(frame, spec)).estimate
    if spec.get("scale_to"):
        result *= spec["scale_to"] / result.sum()
    return {"values": result}


def run_var(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    items = {k: v for x in spec["variables"] for k, v in variable(frame, x).items()}
    return rows(covariance_matrix(design, items, where=domain(frame, spec)), spec)


def run_quantile(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    items = {k: v for x in spec["variables"] for k, v in variable(frame, x).items()}
    result = quantile(
        design,
        items,
        [number(p) for p in spec["probs"]],
        by=by_columns(frame, spec),
        where=domain(frame, spec),
        rule=spec["rule"],
        interval=spec.get("interval"),
        df=None if spec.get("df") is None else number(spec["df"]),
        missing=missing(spec),
    )
    out = {}
    for i, term in enumerate(result.terms):
        by = tuple((c, str(v[i])) for c, v in result.domains.items())
        key = by if spec.get("by") else (term, float(result.probs[i]))
        out[key] = {"quantile": result.estimate[i], "ci_lo": result.ci_low[i], "ci_hi": result.ci_high[i]}
        out[key]["se"] = result.se[i]
    df = result.df[0] if spec.get("df") is None else number(spec["df"])
    return {"rows": out, "df": df}


def algebra(e: dict, values: Any) -> Any:
    """An expression over {est: term}."""
    if "est" in e:
        return values[e["est"]]
    if "const" in e:
        return number(e["const"])
    if "fn" in e:
        return {"log": np.log, "exp": np.exp, "sqrt": np.sqrt}[e["fn"]](algebra(e["arg"], values))
    return arithmetic(e["op"], *(algebra(a, values) for a in e["args"]))


def run_contrast(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    inner = spec["of"]
    if inner["verb"] not in VERBS:
        raise Unsupported(f"contrast of {inner['verb']}")
    source = VERBS[inner["verb"]](design, frame, inner, case)["estimate"]
    if "linear" in spec:
        wanted = {k: {t: number(c) for t, c in v.items()} for k, v in spec["linear"].items()}
        return rows(contrast(source, wanted), spec)
    name = case["results"]["terms"][0]
    return rows(smooth_contrast(source, {name: lambda v: algebra(spec["expression"], v)}), spec)


def run_replicate_statistic(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    def evaluate(e: dict, w: np.ndarray) -> Any:
        if "wsum" in e:
            return np.sum(w * np.asarray(expression(frame, e["wsum"]), dtype=float))
        if "const" in e:
            return number(e["const"])
        if "fn" in e:
            return {"log": np.log, "exp": np.exp, "sqrt": np.sqrt}[e["fn"]](evaluate(e["arg"], w))
        return arithmetic(e["op"], *(evaluate(a, w) for a in e["args"]))

    name = case["results"]["terms"][0]
    return rows(statistic(design, lambda w: {name: evaluate(spec["expression"], w)}), spec)


def run_replicate_weights(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return {"values": np.column_stack(list(design.replicate_weights())) / design.weights[:, None]}


def run_hadamard(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    """The choice of matrix is free: its order must be R's and H·Hᵀ = order·I, then R's own is accepted."""
    matrix = hadamard(int(spec["n"]))
    order = len(case["results"]["values"])
    good = len(matrix) == order and np.array_equal(matrix @ matrix.T, order * np.eye(order))
    return {"values": case["results"]["values"] if good else np.full((order, order), np.nan)}


def test_numbers(result: TestResult) -> Result:
    out: Result = {"statistic": result.statistic, "p_value": result.p_value}
    out["parameter"] = dict(result.parameters)
    if result.estimate is not None:
        out |= {"estimate": result.estimate, "ci95": result.ci}
    return out


def run_chisq(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    a, b = (c for c in spec["variables"])
    return test_numbers(
        independence_test(design, a, b, statistic=spec["statistic"], where=domain(frame, spec))
    )


def run_gof(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    shares = {k: number(v) for k, v in spec["p"].items()}
    return test_numbers(goodness_of_fit_test(design, spec["variable"], shares, where=domain(frame, spec)))


def run_ttest(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    values = single(frame, spec["variable"])
    null = number(spec.get("null") or 0)
    return test_numbers(t_test(design, values, spec.get("group"), null=null, where=domain(frame, spec)))


def run_rank_test(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    values = single(frame, spec["variable"])
    return test_numbers(
        rank_test(design, values, spec["group"], test=spec["test"], where=domain(frame, spec))
    )


def run_kappa(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return rows(cohen_kappa(design, *spec["variables"], where=domain(frame, spec)), spec)


def run_alpha(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    items = {k: v for x in spec["variables"] for k, v in variable(frame, x).items()}
    return {"values": cronbach_alpha(design, items, where=domain(frame, spec)).estimate}


def model_term(frame: pd.DataFrame, t: Any) -> Any:
    if isinstance(t, str):
        return Numeric(t)
    if "factor" in t:
        return Categorical(t["factor"])
    if "interaction" in t:
        return Interaction(tuple(model_term(frame, p) for p in t["interaction"]))
    name, values = next(iter(variable(frame, t).items()))
    return Numeric(name, values)


def fit_model(design: Any, frame: pd.DataFrame, model: dict) -> RegressionResult:
    offset = expression(frame, model["offset"]) if model.get("offset") else None
    return glm(
        design,
        single(frame, model["response"]),
        [model_term(frame, t) for t in model["terms"]],
        family=model["family"],
        link=model["link"],
        offset=offset,
        where=domain(frame, model),
    )


def run_glm(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    fit = fit_model(design, frame, spec["model"])
    low, high = fit.ci()
    table = {"est": fit.coefficients, "se": fit.se, "t": fit.t, "p": fit.p_values}
    table |= {"ci95_lo": low, "ci95_hi": high}
    est = {(n, ()): {k: float(v[i]) for k, v in table.items()} for i, n in enumerate(fit.names)}
    return {
        "est": est,
        "vcov": fit.vcov,
        "df_residual": fit.df,
        "degf_design": fit.design_df,
        "nobs": fit.n,
        "deviance": fit.deviance,
        "null_deviance": fit.null_deviance,
        "dispersion": fit.dispersion,
        "estimate": fit.as_estimate(),
    }


def run_predict(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    fit = fit_model(design, frame, spec["model"])
    data = {k: [number(v) if not isinstance(v, str) else v for v in c] for k, c in spec["newdata"].items()}
    return rows(fit.predict(data), spec)


def run_predict_means(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    fit = fit_model(design, frame, spec["model"])
    return rows(predictive_means(fit, Categorical(spec["groups"])), spec)


def run_term_test(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    fit = fit_model(design, frame, spec["model"])
    names = [model_term(frame, t).name for t in spec["test_terms"]]
    ddf = None if spec.get("df") is None else number(spec["df"])
    result = term_test(fit, names, method=spec["method"], ddf=ddf)
    out: Result = {"p": result.p_value, **result.parameters}
    out["F" if spec["method"] == "Wald" and ddf is None else "chisq"] = result.statistic
    if result.eigenvalues is not None:
        out["lambda"] = result.eigenvalues
    return out


def run_aic(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return {"models": [design_aic(fit_model(design, frame, m)) for m in spec["models"]]}


def run_pseudo_r2(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    return {"values": [pseudo_r2(fit_model(design, frame, spec["model"]), spec["method"])]}


def run_ordinal(design: Any, frame: pd.DataFrame, spec: dict, case: dict) -> Result:
    more = frame.assign(**{k: expression(frame, e) for k, e in (spec.get("derive") or {}).items()})
    model = spec["model"]
    codes, levels = levels_of(more[model["response"]["factor"]])
    # Levels are compared by order, so the response goes in as its rank.
    fit = ordinal(
        design,
        np.where(codes < 0, np.nan, codes),
        [model_term(more, t) for t in model["terms"]],
        link=model["link"],
        where=domain(more, model),
    )
    present = [levels[int(float(k))] for k in [c.split("|")[0] for c in fit.cut_names]]
    present.append(levels[int(float(fit.cut_names[-1].split("|")[1]))])
    cuts = [f"{a}|{b}" for a, b in pairwise(present)]
    values = np.append(fit.coefficients, fit.cutpoints)
    names = [*fit.names, *cuts]
    est = {(n, ()): {"est": v, "se": s, "t": v / s} for n, v, s in zip(names, values, fit.se, strict=True)}
    return {"est": est, "vcov": fit.vcov, "deviance": fit.deviance}


VERBS: dict[str, Callable[..., Result]] = {
    "mean": run_estimates,
    "total": run_estimates,
    "ratio": run_estimates,
    "cv": run_cv,
    "degf": run_degf,
    "weights": run_weights,
    "proportion_ci": run_proportion_ci,
    "table": run_table,
    "var": run_var,
    "quantile": run_quantile,
    "contrast": run_contrast,
    "replicate_statistic": run_replicate_statistic,
    "replicate_weights": run_replicate_weights,
    "hadamard": run_hadamard,
    "chisq": run_chisq,
    "gof": run_gof,
    "ttest": run_ttest,
    "rank_test": run_rank_test,
    "kappa": run_kappa,
    "cronbach_alpha": run_alpha,
    "glm": run_glm,
    "predict": run_predict,
    "predict_means": run_predict_means,
    "term_test": run_term_test,
    "aic": run_aic,
    "pseudo_r2": run_pseudo_r2,
    "ordinal": run_ordinal,
}
