"""Tests of model terms, information criteria and pseudo R² of design-based regressions."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from analysis.errors import AnalysisError
from analysis.inference.model_terms import Term
from analysis.inference.quadratic_forms import tail_saddlepoint
from analysis.inference.regression import RegressionResult, glm
from analysis.inference.result import TestResult

METHODS = ("Wald", "WorkingWald", "LRT")


def term_test(
    fit: RegressionResult, terms: Sequence[str], *, method: str = "Wald", ddf: float | None = None
) -> TestResult:
    """Do some terms of a model matter?

    Parameters
    ----------
    terms : names of terms ('stype', 'ell', 'stype:ell')
    method : 'Wald' (F), 'WorkingWald' and 'LRT' (Rao–Scott: the working statistic against Σλ_j χ²_1)
    ddf : denominator degrees of freedom; None: the residual df; inf: chi-square

    References
    ----------
    Rao & Scott (1984); Lumley & Scott (2014), Aust. N. Z. J. Stat. 56, 1–14. R: `regTermTest`.
    """
    if method not in METHODS:
        raise AnalysisError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    known = [t.name for t in fit.model.terms]
    absent = [t for t in terms if t not in known]
    if absent or not terms:
        raise AnalysisError(f"the model has the terms {', '.join(known)}; not {', '.join(absent) or 'none'}")
    index = np.flatnonzero(np.isin(fit.model.owner, [known.index(t) for t in terms]))
    ddf = fit.df if ddf is None else float(ddf)
    k = len(index)
    beta, v = fit.coefficients[index], fit.vcov[np.ix_(index, index)]
    if method == "Wald":
        chisq = float(beta @ np.linalg.solve(v, beta))
        if np.isinf(ddf):
            return TestResult("Wald", chisq, float(stats.chi2.sf(chisq, k)), {"df": k})
        if not ddf > 0:
            raise AnalysisError(
                "no residual degree of freedom is left for an F test; ddf=inf gives chi-square"
            )
        return TestResult("Wald", chisq / k, float(stats.f.sf(chisq / k, k, ddf)), {"df": k, "ddf": ddf})
    naive = fit.naive[np.ix_(index, index)]
    roots = np.real(np.linalg.eigvals(np.linalg.solve(naive, v)))
    if method == "WorkingWald":
        chisq = float(beta @ np.linalg.solve(naive, beta))
    else:
        left: list[str | Term] = [t for t in fit.model.terms if t.name not in terms]
        smaller = glm(
            fit.design,
            fit.response,
            left,
            family=fit.family.name,
            link=fit.link.name,
            offset=fit.offset,
            where=fit.used,
        )
        # Both deviances on the same weights: the smaller model is refitted on the rows of the larger.
        ratio = fit.scaled_weights[fit.used].mean() / smaller.scaled_weights[fit.used].mean()
        chisq = smaller.deviance * ratio - fit.deviance
    p = tail_saddlepoint(chisq, roots, ddf)
    return TestResult(method, chisq, p, {"df": k, "ddf": ddf}, eigenvalues=roots)


def design_aic(fit: RegressionResult) -> dict[str, float]:
    """Design-based AIC of a gaussian model, with its effective number of parameters (Lumley & Scott 2015,
    J. Surv. Stat. Methodol. 3, 1–18). R: `AIC.svyglm`.

    Returns aic, eff_p and delta_bar (mean generalized design effect).
    """
    if fit.family.name != "gaussian":
        raise AnalysisError("this AIC is for gaussian models")
    w = fit.scaled_weights[fit.used]
    residual = fit.response[fit.used] - fit.linear_predictor[fit.used]
    size = w.sum()
    sigma2 = float(np.sum(w * residual**2) / size)
    delta = np.diag(np.linalg.solve(fit.naive[1:, 1:] * sigma2, fit.vcov[1:, 1:]))
    u = -1 / (2 * sigma2) + residual**2 / (2 * sigma2**2)
    extra = (size / (2 * sigma2**2)) / float(np.sum(w * u**2))
    eff_p = float(delta.sum() + extra)
    aic = size * np.log(2 * np.pi * sigma2) + size + 2 * eff_p
    return {"aic": float(aic), "eff_p": eff_p, "delta_bar": float(np.append(delta, extra).mean())}


def pseudo_r2(fit: RegressionResult, method: str = "Nagelkerke") -> float:
    """Cox–Snell or Nagelkerke R² with population-scale likelihood (Lumley 2017, Aust. N. Z. J. Stat. 59,
    1–8). R: `psrsq`.
    """
    if method not in ("Nagelkerke", "Cox-Snell"):
        raise AnalysisError(f"method is 'Nagelkerke' or 'Cox-Snell'; got {method!r}")
    size = fit.scaled_weights[fit.used].sum()
    cox_snell = 1 - np.exp((fit.deviance - fit.null_deviance) / size)
    if method == "Cox-Snell":
        return float(cox_snell)
    return float(cox_snell / (1 - np.exp(-fit.null_deviance / size)))
