"""What a sample cannot show: the smallest change it can tell from chance, and what a wanted one would need.

References
----------
Bloom, H. S. (1995). Minimum detectable effects. Evaluation Review 19, 547-556.
Valliant, Dever & Kreuter (2018), section 4.3 (minimum detectable difference).
"""

import math
from dataclasses import dataclass

from analysis.errors import DesignError
from analysis.planning.two_samples import power_quantiles


@dataclass(frozen=True)
class DetectableChange:
    """A wanted change against what two equal rounds of `n` interviews can show.

    smallest : the smallest change found with the asked power
    power : chance to find the wanted change with `n` interviews
    wrong_sign : chance that the figure moves the other way although the wanted change is real
    needed : interviews per round that the wanted change would take
    exists : how many households there are, or infinity
    """

    wanted: float
    n: float
    smallest: float
    power: float
    wrong_sign: float
    needed: int
    exists: float

    @property
    def can_be_had(self) -> bool:
        """The wanted change is at least the smallest one that shows."""
        return self.wanted >= self.smallest

    @property
    def sentence(self) -> str:
        """The plain statement, in English."""
        head = (
            f"With {self.n:g} interviews a round, a change of {self.wanted:g} would be found with a chance "
            f"of {self.power:.1%}; the smallest change that shows is {self.smallest:.3g}. "
        )
        if self.can_be_had:
            return head + "It can be had."
        reach = "more than exist" if self.needed > self.exists else "a round"
        return head + (
            f"It cannot be had: it takes {self.needed:,} interviews, {reach}. Even if the change is real, "
            f"the figure moves the wrong way with a probability of {self.wrong_sign:.0%}."
        )


def smallest_change(
    sd: float,
    n: float,
    *,
    deff: float = 1.0,
    correlation: float = 0.0,
    overlap: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: str = "two.sided",
) -> float:
    """(z_α + z_power) √(2 deff S²(1 - gρ)/n), the change between two rounds of n interviews each.

    Parameters
    ----------
    overlap : g, share asked in both rounds; `correlation` ρ of their answers.
    """
    return power_quantiles(alternative, alpha, power) * _se(sd, n, deff, correlation, overlap)


def detectable_change(
    wanted: float,
    sd: float,
    n: float,
    *,
    households: float = math.inf,
    deff: float = 1.0,
    correlation: float = 0.0,
    overlap: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
) -> DetectableChange:
    """Whether two rounds of n interviews can show a change `wanted`, with a two-sided test.

    The famous case: a street's 0.1-point gain measured with 22 households. No finite population correction:
    a change is about the months, not only about the households that happen to be there.

    Raises
    ------
    DesignError : a change, spread or number of interviews that is not above 0.
    """
    if wanted <= 0:
        raise DesignError(f"a wanted change must be above 0; got {wanted}")
    se = _se(sd, n, deff, correlation, overlap)
    both = power_quantiles("two.sided", alpha, power)
    critical = power_quantiles("two.sided", alpha, 0.5)  # z_power is 0 at one half
    found = _normal(wanted / se - critical) + _normal(-wanted / se - critical)
    needed = math.ceil((both * se / wanted) ** 2 * n - 1e-9)
    return DetectableChange(wanted, n, both * se, found, _normal(-wanted / se), needed, households)


def _se(sd: float, n: float, deff: float, correlation: float, overlap: float) -> float:
    if sd <= 0 or n <= 0 or deff <= 0 or not 0 <= overlap <= 1 or not -1 <= correlation < 1:
        raise DesignError("spread, interviews and design effect must be above 0, overlap in 0 … 1")
    return math.sqrt(2 * deff * sd**2 * (1 - overlap * correlation) / n)


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
