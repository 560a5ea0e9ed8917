"""The expected interval of each street, simulated on the team's own frame before a yuan is spent.

Every run makes a population, draws it as planned, lets households answer or not, and computes the street's
figure and interval as the report would. No formula for the design effect enters, so unequal communities,
certainty units and few degrees of freedom have the effect that they will have in the field.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.errors import DesignError
from analysis.selection.probabilities import Numbers, pps_probabilities


@dataclass(frozen=True)
class StreetForecast:
    """What a street can expect.

    interviews : mean number of answers; `issued` households drawn
    half_width : median half-width of the interval; NaN when no variance can be estimated
    half_width_low, half_width_high : the middle 80 % of half-widths
    coverage : share of runs whose interval held the street's true figure
    empirical_se : standard deviation of the figure around the truth over the runs
    method : how the interval is made: 'between PSUs', or 'pooled' where the street has a single PSU
    n_runs : runs simulated, those without an answer left out
    """

    street: str
    communities: int
    households: int
    psus: int
    issued: int
    interviews: float
    half_width: float
    half_width_low: float
    half_width_high: float
    coverage: float
    empirical_se: float
    method: str
    n_runs: int


@dataclass(frozen=True)
class AnswerModel:
    """A score = mean + community + person; the two parts are normal with variances ρS² and (1-ρ)S²."""

    mean: float
    sd: float
    rho: float
    response_rate: float = 1.0


def forecast_streets(
    streets: Sequence[str],
    households: Numbers,
    n_psus: dict[str, int],
    take: int,
    model: AnswerModel,
    random: np.random.Generator,
    *,
    runs: int = 400,
    confidence: float = 0.95,
) -> list[StreetForecast]:
    """One forecast per street, by name: systematic PPS of communities in random order, SRS of `take` in each.

    The interval is the figure ± t·se with the between-PSU variance of a ratio mean (PSUs as if drawn with
    replacement), df = PSUs - 1. A street of a single PSU has none: its se is taken from the model's spread
    with the planned design effect, and z, which the forecast names 'pooled'.

    Parameters
    ----------
    streets : the street of each community, shape (n_communities,).
    households : households of each community, shape (n_communities,).
    n_psus : communities to draw in each street.
    take : households in each drawn community; a smaller community is taken whole.

    Raises
    ------
    DesignError : a street without a plan, more communities asked than a street has.
    """
    names, size = np.asarray(streets), np.asarray(households, dtype=float)
    if names.shape != size.shape or np.any(size < 1):
        raise DesignError("every community needs a street and at least one household")
    if not 0 <= model.rho <= 1 or not 0 < model.response_rate <= 1 or model.sd < 0 or runs < 2 or take < 1:
        raise DesignError("homogeneity in 0 … 1, response rate above 0, spread not below 0, two runs, a take")
    missing = sorted(set(names.tolist()) - set(n_psus))
    if missing:
        raise DesignError(f"no number of communities is planned for {', '.join(missing[:5])}")
    return [
        _forecast(str(street), size[names == street], n_psus[street], take, model, random, runs, confidence)
        for street in np.unique(names)
    ]


def _forecast(
    street: str,
    size: np.ndarray,
    n: int,
    take: int,
    model: AnswerModel,
    random: np.random.Generator,
    runs: int,
    confidence: float,
) -> StreetForecast:
    try:
        pi = pps_probabilities(size, n).pi
    except DesignError as error:
        raise DesignError(f"{street}: {error}") from error
    drawn = _systematic_runs(pi, n, runs, random)
    effects = random.standard_normal((runs, len(size))) * model.sd * np.sqrt(model.rho)
    truth = model.mean + effects @ size / size.sum()
    chosen_size = size[drawn]
    asked = np.minimum(take, chosen_size).astype(np.int64)
    answers = random.binomial(asked, model.response_rate)
    within = model.sd**2 * (1 - model.rho)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.sqrt(within / answers * (1 - answers / chosen_size))
    mean = model.mean + np.take_along_axis(effects, drawn, axis=1)
    mean = mean + np.where(answers > 0, noise, 0.0) * random.standard_normal(mean.shape)
    # Nonresponse is weighted up within the community: one that answers stands for all its households.
    weight = np.where(answers > 0, chosen_size / pi[drawn], 0.0)
    kept = weight.sum(axis=1) > 0
    figure, se, df = _ratio_mean(weight[kept], mean[kept])
    method = "between PSUs"
    if n == 1:
        method, df = "pooled", np.full(len(df), np.inf)
        got = answers[kept].sum(axis=1)
        se = model.sd * np.sqrt((1 + model.rho * (got - 1)) / got)
    half = _quantiles_of_t(df, confidence) * se
    shown = np.isfinite(half)
    low, middle, high = np.quantile(half[shown], [0.1, 0.5, 0.9]) if shown.any() else [np.nan] * 3
    error = figure - truth[kept]
    return StreetForecast(
        street,
        len(size),
        int(size.sum()),
        n,
        round(float(asked.sum(axis=1).mean())),
        float(answers.sum(axis=1).mean()),
        float(middle),
        float(low),
        float(high),
        float((np.abs(error) <= half)[shown].mean()) if shown.any() else np.nan,
        float(np.sqrt((error**2).mean())) if kept.any() else np.nan,
        method,
        int(kept.sum()),
    )


def _systematic_runs(pi: np.ndarray, n: int, runs: int, random: np.random.Generator) -> np.ndarray:
    """`runs` systematic PPS samples, each of the units in a fresh random order: positions (runs, n)."""
    certain = pi >= 1
    # Certain units first: the line then ends with a unit left to chance.
    order = np.argsort(np.where(certain, -1.0, random.random((runs, len(pi)))), axis=1)
    shuffled = np.where(certain, 0.0, pi)[order]
    total = np.cumsum(shuffled, axis=1)
    if n > certain.sum():
        total *= (n - certain.sum()) / total[:, -1:]
    reached = np.floor(total - random.random((runs, 1)))
    # The last unit closes the line exactly.
    reached[:, -1] = n - certain.sum() - 1
    taken = np.diff(reached, axis=1, prepend=-1.0) > 0
    inside = np.zeros((runs, len(pi)), dtype=bool)
    np.put_along_axis(inside, order, taken, axis=1)
    inside |= certain
    return np.nonzero(inside)[1].reshape(runs, n)


def _ratio_mean(weight: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted mean of PSU means, its linearised between-PSU se, and df, per run."""
    total = weight.sum(axis=1)
    figure = (weight * mean).sum(axis=1) / total
    score = weight * (mean - figure[:, None]) / total[:, None]
    n = (weight > 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.where(n > 1, np.sqrt(n / (n - 1) * (score**2).sum(axis=1)), np.nan)
    return figure, se, (n - 1).astype(float)


def _quantiles_of_t(df: np.ndarray, confidence: float) -> np.ndarray:
    values, where = np.unique(df, return_inverse=True)
    with np.errstate(invalid="ignore"):
        return stats.t.ppf((1 + confidence) / 2, np.where(values > 0, values, np.nan))[where]
