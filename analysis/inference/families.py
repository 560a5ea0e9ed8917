"""Families and links of generalized linear models."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.errors import AnalysisError


@dataclass(frozen=True)
class Link:
    """η = g(μ): inverse and its derivative dμ/dη."""

    name: str
    forward: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Family:
    """Variance function, unit deviance and the start values of μ."""

    name: str
    variance: Callable[[np.ndarray], np.ndarray]
    deviance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    start: Callable[[np.ndarray], np.ndarray]
    default_link: str

    def canonical(self, link: str) -> bool:
        """With the canonical link Fisher scoring is Newton's method, and converges quadratically."""
        return link == self.default_link


def _expit_slope(eta: np.ndarray) -> np.ndarray:
    p = special.expit(eta)
    return p * (1 - p)


def _normal_density(eta: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * eta * eta) / np.sqrt(2 * np.pi)


LINKS = {
    "identity": Link("identity", lambda m: m, lambda e: e, np.ones_like),
    "logit": Link("logit", special.logit, special.expit, _expit_slope),
    "probit": Link("probit", special.ndtri, special.ndtr, _normal_density),
    "log": Link("log", np.log, lambda e: np.exp(np.minimum(e, 700)), lambda e: np.exp(np.minimum(e, 700))),
}


def _binomial_deviance(y: np.ndarray, mu: np.ndarray) -> np.ndarray:
    hit = y == 1
    if np.array_equal(hit, y):  # plain 0/1 answers need one logarithm
        return -2 * np.log(np.where(hit, mu, 1 - mu))
    return 2 * (special.xlogy(y, y / mu) + special.xlogy(1 - y, (1 - y) / (1 - mu)))


def _poisson_deviance(y: np.ndarray, mu: np.ndarray) -> np.ndarray:
    return 2 * (special.xlogy(y, y / mu) - (y - mu))


FAMILIES = {
    "gaussian": Family("gaussian", np.ones_like, lambda y, mu: (y - mu) ** 2, lambda y: y, "identity"),
    "binomial": Family(
        "binomial", lambda mu: mu * (1 - mu), _binomial_deviance, lambda y: (y + 0.5) / 2, "logit"
    ),
    "poisson": Family("poisson", lambda mu: mu, _poisson_deviance, lambda y: y + 0.1, "log"),
}


def choose(family: str, link: str | None) -> tuple[Family, Link]:
    """The family and its link, checked."""
    if family not in FAMILIES:
        raise AnalysisError(f"family is one of {', '.join(FAMILIES)}; got {family!r}")
    chosen = link or FAMILIES[family].default_link
    if chosen not in LINKS:
        raise AnalysisError(f"link is one of {', '.join(LINKS)}; got {chosen!r}")
    return FAMILIES[family], LINKS[chosen]
