"""One figure of two: the probability sample's, helped by the volunteers' doubly robust one."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from analysis.errors import AnalysisError

LEVEL = 0.25
POWER = 0.8


@dataclass(frozen=True)
class Composite:
    """The blend, and the check that comes before it.

    estimate, se : of the blend; share : the volunteers' part in it, 0–1
    difference, difference_se, p_value : volunteers' figure minus the probability sample's, and its t test
    differs : the test sees a difference at its level: the two do not estimate the same thing, do not blend
    unseen : a difference between the two that the test finds with a power of 80 %; smaller biases may hide
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
    """The linear blend of two estimates with the smallest variance if both aim at the same figure.

    Parameters
    ----------
    probability, other : the probability sample's estimate, and the volunteers'
    covariance : of both, shape (2, 2), in that order
    df : degrees of freedom of the test of their difference
    level : of the test. Large, so that a bias is found rather than missed: tables for pooling after a
        preliminary test use 0.24 to 0.48 (Bancroft & Han 1983, for mean squares); 0.25 is our choice

    Notes
    -----
    The share of `other` is (V₁ − C)/(V₁ + V₂ − 2C), kept within 0 and 1 (Elliott & Haviland 2007 with no bias
    left). At that share the blend does not covary with the difference (Hausman 1978): having looked at the
    difference first leaves the blend's interval as it is, as long as both aim at the same figure. Where they
    do not, no rule that looks at the data can promise an interval shorter than the probability sample's own;
    the blend then has a bias of up to share × `unseen` that the check may miss.

    References
    ----------
    Elliott & Haviland (2007), Survey Methodology 33(2), 211–215; Hausman (1978), Econometrica 46, 1251–1271;
    Bancroft & Han (1983), JASA 78, 981–983.
    """
    if not 0 < level < 1:
        raise AnalysisError(f"the level of the test lies between 0 and 1; got {level}")
    v1, v2, c = float(covariance[0, 0]), float(covariance[1, 1]), float(covariance[0, 1])
    apart = v1 + v2 - 2 * c
    if not (apart > 0 and df > 0):
        raise AnalysisError("the difference of the two estimates has no error that could be estimated")
    share = float(np.clip((v1 - c) / apart, 0.0, 1.0))
    variance = (1 - share) ** 2 * v1 + share**2 * v2 + 2 * share * (1 - share) * c
    difference, spread = other - probability, float(np.sqrt(apart))
    p_value = float(2 * stdtr(df, -abs(difference) / spread))
    return Composite(
        estimate=float(probability + share * difference),
        se=float(np.sqrt(max(variance, 0.0))),
        share=share,
        difference=float(difference),
        difference_se=spread,
        p_value=p_value,
        differs=p_value < level,
        unseen=float((stdtrit(df, 1 - level / 2) + stdtrit(df, POWER)) * spread),
    )
