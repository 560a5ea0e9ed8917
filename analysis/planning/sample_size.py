"""Sample size for a mean, a share, or a domain, with design effect, response rate and finite population.

References
----------
Valliant, Dever & Kreuter (2018). Practical Tools for Designing and Weighting Survey Samples, 2nd ed.,
chapter 3: eqs. 3.3-3.8 (mean, share), section 3.2.3 (Wilson, log odds), section 3.4 (domains). R: PracTools
nCont, nProp, nPropMoe, nWilson, nLogOdds, nDomain.
Kish, L. (1965). Survey Sampling, section 8.2 (design effect).
Cochran, W. G. (1977). Sampling Techniques, 3rd ed., section 4.4.
"""

import math
from dataclasses import dataclass

from scipy import stats

from analysis.errors import DesignError


@dataclass(frozen=True)
class SampleSize:
    """A sample size; real numbers, see `respondents` and `issued` for whole ones.

    n : respondents needed
    n_infinite : respondents needed from an infinite population
    population : N, or infinity
    response_rate : expected share of issued cases that respond
    low, high : ends of the interval at `n`, for the methods that define them; else None
    """

    n: float
    n_infinite: float
    population: float = math.inf
    response_rate: float = 1.0
    low: float | None = None
    high: float | None = None

    @property
    def respondents(self) -> int:
        """`n` rounded up (a rounding error above a whole number is not rounded up)."""
        return math.ceil(self.n - 1e-9)

    @property
    def issued(self) -> int:
        """Cases to draw, so that `n` respond on expectation."""
        return math.ceil(self.n / self.response_rate - 1e-9)

    @property
    def possible(self) -> bool:
        """False when more cases are needed than exist: see `achievable_margin` for what can be had."""
        return self.issued <= self.population


def z_quantile(confidence: float) -> float:
    """Two-sided normal quantile z(1 - α/2). Raises DesignError unless 0 < confidence < 1."""
    if not 0 < confidence < 1:
        raise DesignError(f"a confidence lies between 0 and 1; got {confidence}")
    return float(stats.norm.ppf((1 + confidence) / 2))


def size_for_mean(
    s2: float | None = None,
    *,
    unit_cv: float | None = None,
    variance: float | None = None,
    cv: float | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    population: float = math.inf,
    deff: float = 1.0,
    response_rate: float = 1.0,
) -> SampleSize:
    """n = 1/(V/(deff·S²) + 1/N).

    Parameters
    ----------
    s2, unit_cv : the unit variance S², or the unit coefficient of variation S/mean (then the targets are
        relative: V = cv² or a margin as a share of the mean).
    variance, cv, margin : exactly one target; `cv` needs `unit_cv`. V = (margin/z)² for a margin.

    Raises
    ------
    DesignError : not exactly one of each group, or a number out of range.
    """
    if (s2 is None) == (unit_cv is None):
        raise DesignError("give either the unit variance or the unit coefficient of variation")
    if cv is not None and unit_cv is None:
        raise DesignError("a target cv needs the unit coefficient of variation")
    spread = s2 if unit_cv is None else unit_cv**2
    target = _target_variance(variance, None if cv is None else cv**2, margin, confidence)
    return _finish(spread, target, population, deff, response_rate)


def size_for_share(
    p: float,
    *,
    variance: float | None = None,
    cv: float | None = None,
    margin: float | None = None,
    relative: bool = False,
    confidence: float = 0.95,
    population: float = math.inf,
    deff: float = 1.0,
    response_rate: float = 1.0,
) -> SampleSize:
    """n = 1/(V/(deff·S²) + 1/N), S² = p(1-p)N/(N-1).

    Parameters
    ----------
    p : the expected share, strictly between 0 and 1; 0.5 is the safe choice.
    variance, cv, margin : exactly one target; `relative` margins are shares of p.
    """
    _share(p)
    if relative and margin is not None:
        margin = margin * p
    target = _target_variance(variance, None if cv is None else (cv * p) ** 2, margin, confidence)
    found = _finish(p * (1 - p) * _fpc_factor(population), target, population, deff, response_rate)
    return SampleSize(found.n, deff * p * (1 - p) / target, population, response_rate)


def size_for_share_wilson(
    p: float, half_width: float, *, confidence: float = 0.95, deff: float = 1.0, response_rate: float = 1.0
) -> SampleSize:
    """n at which Wilson's interval has the half-width: z√(z² + 4np(1-p)) / (2(n + z²)).

    With m = n + z²: 4h²m² - 4z²p(1-p)m - z⁴(1 - 4p(1-p)) = 0. Ends (2np + z²)/(2(n + z²)) ∓ h. The design
    effect multiplies n. R: PracTools::nWilson.
    """
    _share(p)
    _positive(half_width, "a half-width")
    z2, pq = z_quantile(confidence) ** 2, p * (1 - p)
    a, b, c = 4 * half_width**2, 4 * z2 * pq, z2**2 * (1 - 4 * pq)
    n = (b + math.sqrt(b * b + 4 * a * c)) / (2 * a) - z2
    if n <= 0:
        raise DesignError(f"Wilson's interval is narrower than ±{half_width} without any interview")
    middle = (2 * n * p + z2) / (2 * (n + z2))
    return SampleSize(
        n * deff,
        n * deff,
        response_rate=_rate(response_rate),
        low=middle - half_width,
        high=middle + half_width,
    )


def size_for_share_logodds(
    p: float,
    half_width: float,
    *,
    confidence: float = 0.95,
    population: float = math.inf,
    deff: float = 1.0,
    response_rate: float = 1.0,
) -> SampleSize:
    """n at which the interval of the log odds, brought back to shares, has the half-width.

    w solves [1/(1 + k e^-w) - 1/(1 + k e^w)]/2 = h, k = (1-p)/p: with x = e^w a quadratic,
    k(1-2h)x² - 2h(1+k²)x - k(1+2h) = 0. n = 1/((w/z)² p(1-p)(N/(N-1))/deff + 1/N). R: PracTools::nLogOdds.
    """
    _share(p)
    if not 0 < half_width < 0.5:
        raise DesignError(f"a half-width lies between 0 and 0.5; got {half_width}")
    k, c = (1 - p) / p, 2 * half_width
    a, b = k * (1 - c), c * (1 + k * k)
    w = math.log((b + math.sqrt(b * b + 4 * a * k * (1 + c))) / (2 * a))
    information = (w / z_quantile(confidence)) ** 2 * p * (1 - p) / deff
    n = 1 / (information * _fpc_factor(population) + 1 / population)
    return SampleSize(n, 1 / information, population, _rate(response_rate))


def size_for_domain(
    unit_cv: float,
    domain_share: float,
    cv: float,
    *,
    total: bool = False,
    population: float = math.inf,
    deff: float = 1.0,
    response_rate: float = 1.0,
) -> SampleSize:
    """n of the whole sample for a domain that is the share P of the population: 1/(P cv²/(deff·a) + 1/N).

    a = unit_cv² for the domain's mean, unit_cv² + 1 - P for its total. R: PracTools::nDomain.
    """
    if not 0 < domain_share <= 1:
        raise DesignError(f"a domain's share lies above 0 and at most at 1; got {domain_share}")
    _positive(cv, "a cv")
    spread = unit_cv**2 + (1 - domain_share if total else 0.0)
    return _finish(spread, domain_share * cv**2, population, deff, response_rate)


def achievable_margin(
    s2: float,
    population: float,
    *,
    confidence: float = 0.95,
    deff: float = 1.0,
    response_rate: float = 1.0,
    issued: float | None = None,
) -> float:
    """Half-width z√(deff·S²(1/n - 1/N)) with n = issued × response rate; everyone issued by default.

    What is possible when a target is not. Raises DesignError when more are issued than exist.
    """
    cases = population if issued is None else issued
    if not 0 < cases <= population:
        raise DesignError(f"{cases} cases cannot be drawn from {population}")
    n = cases * _rate(response_rate)
    return z_quantile(confidence) * math.sqrt(max(deff * s2 * (1 / n - 1 / population), 0.0))


def _target_variance(
    variance: float | None, cv_variance: float | None, margin: float | None, confidence: float
) -> float:
    given = [target for target in (variance, cv_variance, margin) if target is not None]
    if len(given) != 1:
        raise DesignError("give exactly one target: a variance, a cv or a margin")
    _positive(given[0], "a target")
    return given[0] if margin is None else (margin / z_quantile(confidence)) ** 2


def _finish(
    spread: float | None, target: float, population: float, deff: float, response_rate: float
) -> SampleSize:
    if spread is None or not spread >= 0:
        raise DesignError(f"a unit variance cannot be negative; got {spread}")
    _positive(deff, "a design effect")
    _positive(population, "a population")
    n_infinite = deff * spread / target
    n = 0.0 if n_infinite == 0 else 1 / (1 / n_infinite + 1 / population)
    return SampleSize(n, n_infinite, population, _rate(response_rate))


def _fpc_factor(population: float) -> float:
    """N/(N-1)."""
    if population <= 1:
        raise DesignError(f"a population has at least two units; got {population}")
    return 1.0 if math.isinf(population) else population / (population - 1)


def _rate(response_rate: float) -> float:
    if not 0 < response_rate <= 1:
        raise DesignError(f"a response rate lies above 0 and at most at 1; got {response_rate}")
    return response_rate


def _share(p: float) -> None:
    if not 0 < p < 1:
        raise DesignError(f"an expected share lies strictly between 0 and 1; got {p}")


def _positive(value: float, what: str) -> None:
    if not value > 0:
        raise DesignError(f"{what} must be above 0; got {value}")
