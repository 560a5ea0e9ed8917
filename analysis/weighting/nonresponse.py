"""Nonresponse adjustment: respondents take over the weight of those who did not answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.frames import ColumnSpec, combine_codes


@dataclass(frozen=True)
class NonresponseAdjustment:
    """The adjusted design (nonrespondents have weight 0 and keep their place) and how it came about.

    classes : label of each adjustment class; n_sampled, n_responded : rows in it; factor : weight multiplier
    response_rate : weighted response rate of the class
    row_class : class of each row, shape (n_rows,)
    """

    design: SurveyDesign
    classes: tuple[str, ...]
    n_sampled: np.ndarray
    n_responded: np.ndarray
    response_rate: np.ndarray
    factor: np.ndarray
    row_class: np.ndarray


def adjust_by_class(
    design: SurveyDesign,
    responded: ColumnSpec,
    by: str | Sequence[str],
    *,
    min_respondents: int = 1,
    max_factor: float = np.inf,
) -> NonresponseAdjustment:
    """Weight respondents by 1 / weighted response rate of their class.

    Parameters
    ----------
    responded : truth value per eligible sampled row
    by : column(s) known for respondents and nonrespondents; missing is a class of its own
    min_respondents, max_factor : a class with fewer respondents or a larger factor is refused by name

    References
    ----------
    Särndal, Swensson & Wretman (1992), ch. 15.6; Little (1986).
    """
    factors = [design.columns.factor(c) for c in ([by] if isinstance(by, str) else by)]
    parts = [(f.codes + 1, f.n_levels + 1) for f in factors]
    codes, members = combine_codes(parts)
    labels = tuple(
        " × ".join(
            "missing" if m[k] == 0 else str(f.levels[m[k] - 1]) for f, m in zip(factors, members, strict=True)
        )
        for k in range(len(members[0]))
    )
    return _adjust(design, _truth(design, responded), codes, labels, min_respondents, max_factor)


def adjust_by_propensity(
    design: SurveyDesign,
    responded: ColumnSpec,
    covariates: Mapping[str, ColumnSpec],
    *,
    n_classes: int | None = 5,
    weighted: bool = True,
    min_respondents: int = 1,
    max_factor: float = np.inf,
) -> NonresponseAdjustment:
    """Adjust by a logistic model of response.

    Parameters
    ----------
    covariates : {name: numeric column without gaps}; an intercept is added
    n_classes : classes of equal size by propensity (five remove most bias: Rosenbaum & Rubin 1984); None
    weights
        each respondent by its own 1/p̂
    weighted : fit with the design weights

    Raises
    ------
    NotConvergedError : the model separates respondents from nonrespondents
    """
    answered = _truth(design, responded)
    columns = [design.columns.numeric(c, f"covariate {k}") for k, c in covariates.items()]
    x = np.column_stack([np.ones(design.n_rows), *columns])
    if np.isnan(x).any():
        row, column = np.argwhere(np.isnan(x))[0]
        raise AnalysisError(f"covariate {list(covariates)[column - 1]!r} has no value in row {row}")
    used = design.weights > 0
    p = fit_propensity(x, answered.astype(float), design.weights if weighted else used.astype(float))
    if n_classes is None:
        weights = np.where(answered, design.weights / p, 0.0)
        # 1/p̂ need not reproduce the sampled total; scaled so that it does, as in a single adjustment class.
        scale = design.weights.sum() / weights.sum()
        low, high = np.array([int(used.sum())]), np.array([int((answered & used).sum())])
        rate = np.array([design.weights[answered].sum() / design.weights.sum()])
        factor = np.where(answered, scale / p, 0.0)
        if factor.max() > max_factor:
            raise AnalysisError(
                f"the largest factor is {factor.max():.3g}, above {max_factor:g}; use classes"
            )
        adjusted = design.with_weights(weights * scale)
        return NonresponseAdjustment(
            adjusted, ("own propensity",), low, high, rate, 1 / rate, np.zeros(design.n_rows, dtype=np.int64)
        )
    cuts = np.unique(np.quantile(p[used], np.linspace(0, 1, n_classes + 1)[1:-1]))
    codes = np.searchsorted(cuts, p, side="left")
    labels = tuple(f"propensity class {k + 1}" for k in range(len(cuts) + 1))
    return _adjust(design, answered, codes, labels, min_respondents, max_factor)


def fit_propensity(x: np.ndarray, y: np.ndarray, weights: np.ndarray, max_iterations: int = 50) -> np.ndarray:
    """Fitted probabilities of a weighted logistic regression (Newton steps), shape (n,).

    x : (n, q) with a constant first; y : 1 answered, 0 not
    """
    beta = np.zeros(x.shape[1])
    rate = np.average(y, weights=weights)
    if not 0 < rate < 1:
        raise AnalysisError("a response model needs respondents and nonrespondents")
    beta[0] = np.log(rate / (1 - rate))
    for _ in range(max_iterations):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -40, 40)))
        gradient = x.T @ (weights * (y - p))
        step = np.linalg.lstsq((x * (weights * p * (1 - p))[:, None]).T @ x, gradient, rcond=None)[0]
        beta = beta + step
        if np.abs(x @ step).max() < 1e-10:
            break
    else:
        raise NotConvergedError(
            "the response model does not converge: some covariate separates respondents from nonrespondents."
        )
    return 1 / (1 + np.exp(-np.clip(x @ beta, -40, 40)))


def _truth(design: SurveyDesign, responded: ColumnSpec) -> np.ndarray:
    values = design.columns.numeric(responded, "responded")
    if not np.isin(values, (0, 1)).all():
        raise AnalysisError("responded holds truth values (0/1) without gaps")
    return values == 1


def _adjust(
    design: SurveyDesign,
    answered: np.ndarray,
    codes: np.ndarray,
    labels: tuple[str, ...],
    min_respondents: int,
    max_factor: float,
) -> NonresponseAdjustment:
    used = design.weights > 0
    count = len(labels)
    sampled = np.bincount(codes[used], minlength=count)
    responded = np.bincount(codes[used & answered], minlength=count)
    all_w = np.bincount(codes, weights=design.weights, minlength=count)
    answered_w = np.bincount(codes, weights=design.weights * answered, minlength=count)
    thin = np.flatnonzero((sampled > 0) & (responded < max(min_respondents, 1)))
    if len(thin):
        k = thin[0]
        raise AnalysisError(
            f"{len(thin)} class(es) have too few respondents, e.g. {labels[k]}: {responded[k]} of "
            f"{sampled[k]}; "
            "join classes"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(answered_w > 0, all_w / answered_w, 1.0)
        rate = np.where(all_w > 0, answered_w / all_w, np.nan)
    if factor.max() > max_factor:
        k = int(factor.argmax())
        raise AnalysisError(
            f"class {labels[k]} needs the factor {factor[k]:.3g}, above {max_factor:g}; join classes"
        )
    weights = np.where(answered, design.weights * factor[codes], 0.0)
    return NonresponseAdjustment(
        design.with_weights(weights), labels, sampled, responded, rate, factor, codes
    )
