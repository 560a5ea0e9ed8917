"""One figure of two: the probability sample's, helped by the volunteers' as far as their bias may allow."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from analysis.errors import AnalysisError

LEVEL = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Composite:
    """The blend, and how far the two estimates lie apart.

    estimate, se : of the blend; se is the root of its mean squared error, an allowance for bias included
    share : the volunteers' part in it, 0–1
    difference, difference_se, p_value : volunteers' figure minus the probability sample's, and its t test
    differs : the test sees a difference: the two do not measure the same thing
    unseen : a difference that the test finds with a power of 80 %; smaller biases may hide
    """

    estimate: float
    se: float
    share: float
    difference: float
    difference_se: float
    p_value: float
    differs: bool
    unseen: float


def combine(
    probability: float, other: float, covariance: np.ndarray, df: float, *, level: float = LEVEL
) -> Composite:
    """The linear blend of two estimates with the smallest mean squared error, the other one being biased.

    Parameters
    ----------
    probability, other : the probability sample's estimate, and the volunteers'
    covariance : of both, shape (2, 2), in that order
    df : degrees of freedom of the test of their difference
    level : of the test

    Notes
    -----
    With V₁, V₂, C the covariance, D the difference and V_D = V₁ + V₂ − 2C its variance, the share of `other`
    is (V₁ − C)/(V_D + ε²) and the mean squared error V₁ − (V₁ − C)²/(V_D + ε²), ε its bias (Elliott &
    Haviland 2007, there with C = 0). We put ε² = max(D², V_D): D² overstates the square of the bias by V_D on
    average, and a bias smaller than the error of D can never be excluded. So the share is at most half of the
    best one without bias, and falls as the two lie apart. An interval of the blend covers 95 % and more
    where there is no bias; where there is one, no rule that looks at the data covers 95 % for all: with
    volunteers as exact as the sample the worst coverage of this one is 92 %, with volunteers four times as
    exact (in variance) 87 % (simulated in `tests/analysis/blending`).

    References
    ----------
    Elliott & Haviland (2007), Survey Methodology 33(2), 211–215.
    """
    if not 0 < level < 1:
        raise AnalysisError(f"the level of the test lies between 0 and 1; got {level}")
    v1, v2, c = float(covariance[0, 0]), float(covariance[1, 1]), float(covariance[0, 1])
    apart = v1 + v2 - 2 * c
    if not (apart > 0 and df > 0):
        raise AnalysisError("the difference of the two estimates has no error that could be estimated")
    difference, spread = float(other - probability), float(np.sqrt(apart))
    total = apart + max(difference**2, apart)
    share = float(np.clip((v1 - c) / total, 0.0, 1.0))
    squared = v1 - 2 * share * (v1 - c) + share**2 * total
    p_value = float(2 * stdtr(df, -abs(difference) / spread))
    return Composite(
        estimate=float(probability + share * difference),
        se=float(np.sqrt(max(squared, 0.0))),
        share=share,
        difference=difference,
        difference_se=spread,
        p_value=p_value,
        differs=p_value < level,
        unseen=float((stdtrit(df, 1 - level / 2) + stdtrit(df, POWER)) * spread),
    )
