"""The two models: who takes part, and what volunteers of given covariates answer; all repetitions at once."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from analysis.blending.samples import TwoSamples
from analysis.errors import AnalysisError, NotConvergedError

LINEAR, LOGISTIC = "linear", "logistic"
MAX_ITERATIONS = 40
# A log odds that lies further from that of everybody has run away: nobody's odds differ three-million-fold.
FARTHEST = 15.0
MAX_FAILED = 0.05


@dataclass(frozen=True, eq=False)
class Participation:
    """Estimated probabilities of taking part.

    probability : of each covariate pattern, shape (1 + R, K); row 0 is the sample itself
    coefficients : log odds of the sample itself, shape (q,)
    converged : truth values of shape (1 + R,); the repetitions without are left out of every error
    """

    probability: np.ndarray
    coefficients: np.ndarray
    converged: np.ndarray


def fit_participation(samples: TwoSamples) -> Participation:
    """Probability of taking part by logistic regression, by the pseudo-likelihood of Chen, Li & Wu (2020).

    With A the volunteers, B the reference and d its weights, the pseudo log-likelihood
    Σ_A log(π/(1−π)) + Σ_B d log(1−π) has the score Σ_A x − Σ_B d π x: the reference stands for the sum over
    the population that a census would give. Solved by Newton's method.

    Raises
    ------
    NotConvergedError : no finite solution: a category has no volunteer, or as many as people
    AnalysisError : as many volunteers as people, or more than 5 % of the repetitions have no solution

    References
    ----------
    Chen, Li & Wu (2020), JASA 115, 2011–2021. R: `nonprobsvy::nonprob(selection =)`, method "logit" (mle).
    """
    taking_part = samples.volunteer_sums(np.ones(len(samples.volunteer_pattern)))
    people = samples.reference_sums(np.ones(len(samples.reference_pattern)))
    if not 0 < taking_part[0].sum() < people[0].sum():
        raise AnalysisError("there are as many volunteers as people whom the reference stands for")
    log_odds, coefficients, settled = _solve(samples.patterns, taking_part, people)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = taking_part.sum(axis=1) / people.sum(axis=1)
        middle = np.log(rate / (1 - rate))
    used = (taking_part > 0) | (people > 0)
    away = np.where(used, np.abs(log_odds - middle[:, None]), 0.0).max(axis=1)
    converged = settled & (away < FARTHEST)
    if not converged[0]:
        raise NotConvergedError(
            "the model of who takes part has no finite solution: some category has no volunteers, or only "
            "volunteers."
        )
    failed = int((~converged).sum())
    if failed > MAX_FAILED * samples.repetitions:
        raise AnalysisError(
            f"the model of who takes part fails on {failed} of {samples.repetitions} repetitions"
        )
    return Participation(expit(log_odds), coefficients[0], converged)


def fit_outcome(samples: TwoSamples, counts: np.ndarray, sums: np.ndarray, model: str) -> np.ndarray:
    """What volunteers of each pattern answer on average by the model, shape (1 + R, K).

    counts, sums : valid answers of the volunteers of each pattern and their sum, shape (1 + R, K)
    model : "linear" (least squares), or "logistic" for values between 0 and 1, shares of several items
        included (Papke & Wooldridge 1996)
    """
    if model == LOGISTIC:
        log_odds, _coefficients, _settled = _solve(samples.patterns, sums, counts)
        return expit(log_odds)
    x = samples.patterns
    squares = _squares(x)
    information = (counts @ squares).reshape(-1, x.shape[1], x.shape[1])
    beta = _solved(information, sums @ x)
    return beta @ x.T


def _solve(
    patterns: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """θ with Σ_k (target − weight · expit(x θ)) x = 0 for each repetition, by Newton steps that never climb
    down: a step that lowers Σ target·η − weight·log(1+e^η) is halved.

    Returns the log odds (1 + R, K), θ (1 + R, q), and whether the fitted weights have come to rest. Where the
    data separate, the log odds run off while the fitted values come to rest at 0 or 1.
    """
    squares, q = _squares(patterns), patterns.shape[1]
    theta = np.zeros((len(target), q))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.clip(np.nan_to_num(target.sum(axis=1) / weight.sum(axis=1), nan=0.5), 1e-9, 1 - 1e-9)
    theta[:, 0] = np.log(rate / (1 - rate))
    size = np.maximum(weight.sum(axis=1), 1e-300)
    settled = np.zeros(len(target), dtype=bool)
    eta = theta @ patterns.T
    for _ in range(MAX_ITERATIONS):
        p = expit(eta)
        information = ((weight * p * (1 - p)) @ squares).reshape(-1, q, q)
        step = _solved(information, (target - weight * p) @ patterns)
        step = _shortened(step, eta, patterns, target, weight)
        theta = theta + step
        moved = theta @ patterns.T
        settled = (weight * np.abs(expit(moved) - p)).sum(axis=1) < 1e-12 * size
        eta = moved
        if settled.all():
            break
    # Where nobody of the reference has what volunteers have, no step can be taken and the score stays.
    left = np.abs((target - weight * expit(eta)) @ patterns).max(axis=1)
    return eta, theta, settled & (left < 1e-6 * np.maximum(target.sum(axis=1), 1.0))


def _shortened(
    step: np.ndarray, eta: np.ndarray, patterns: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """The steps, halved until none lowers its objective by more than rounding."""

    def objective(log_odds: np.ndarray) -> np.ndarray:
        return (target * log_odds - weight * np.logaddexp(0.0, log_odds)).sum(axis=1)

    before = objective(eta)
    spare = 1e-12 * (1 + np.abs(before))
    for _ in range(30):
        worse = objective(eta + step @ patterns.T) < before - spare
        if not worse.any():
            break
        step = np.where(worse[:, None], step / 2, step)
    return step


def _squares(patterns: np.ndarray) -> np.ndarray:
    """x xᵀ of each pattern, flat: shape (K, q²)."""
    return (patterns[:, :, None] * patterns[:, None, :]).reshape(len(patterns), -1)


def _solved(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Least-norm solutions of information · step = score, for each repetition."""
    inverse = np.linalg.pinv(information, rcond=1e-13, hermitian=True)
    return np.einsum("rij,rj->ri", inverse, score)
