"""The unequal-probability methods by name, each with what is known of its joint probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import DesignError
from analysis.selection.brewer import brewer_joint, draw_brewer
from analysis.selection.chromy import chromy_moments, draw_chromy
from analysis.selection.conditional import (
    draw_max_entropy,
    draw_sampford,
    max_entropy_joint,
    sampford_joint,
)
from analysis.selection.elimination import draw_midzuno, draw_tille, midzuno_joint, tille_joint
from analysis.selection.pivotal import draw_pivotal, pivotal_joint
from analysis.selection.poisson import draw_poisson, poisson_joint
from analysis.selection.probabilities import Numbers, checked
from analysis.selection.systematic import draw_systematic, systematic_joint
from analysis.selection.uniforms import Randomness


@dataclass(frozen=True)
class Method:
    """`draw(pi, random)` → positions; `joint(pi)` → exact π_kl, for the order given where order matters.

    fixed_size : the size is Σπ whenever that is whole
    ordered : the order of the list shapes the sample, so that a sorted list is implicitly stratified
    """

    draw: Callable[[Numbers, Randomness], np.ndarray]
    joint: Callable[[Numbers], np.ndarray]
    fixed_size: bool = True
    ordered: bool = False


def _draw_chromy(pi: Numbers, random: Randomness) -> np.ndarray:
    return np.flatnonzero(draw_chromy(checked(pi), random, random_start=True))


def _chromy_joint(pi: Numbers) -> np.ndarray:
    return chromy_moments(checked(pi), random_start=True)


METHODS: dict[str, Method] = {
    "systematic": Method(draw_systematic, systematic_joint, ordered=True),
    "sampford": Method(draw_sampford, sampford_joint),
    "max_entropy": Method(draw_max_entropy, max_entropy_joint),
    "tille": Method(draw_tille, tille_joint),
    "midzuno": Method(draw_midzuno, midzuno_joint),
    "brewer": Method(draw_brewer, brewer_joint),
    "pivotal": Method(draw_pivotal, pivotal_joint, ordered=True),
    "chromy": Method(_draw_chromy, _chromy_joint, ordered=True),
    "poisson": Method(draw_poisson, poisson_joint, fixed_size=False),
}


def draw(
    pi: Numbers, random: np.random.Generator, *, method: str, labels: Sequence[Any] | None = None
) -> np.ndarray:
    """Positions of a sample by a method's name, ascending.

    Parameters
    ----------
    pi : shape (n_units,).
    labels : unit ids. With them the draw is made in the order of ids, so that one seed gives one sample
        whatever the order of rows; without them the order of rows is the order of the list.

    Raises
    ------
    DesignError : an unknown method, an id that comes twice, or what the method refuses.
    """
    if method not in METHODS:
        raise DesignError(f"a method is one of {', '.join(METHODS)}; got {method!r}")
    p = checked(pi)
    if labels is None:
        return METHODS[method].draw(p, random)
    names = np.asarray(labels)
    order = np.argsort(names, kind="stable")
    if np.any(names[order][1:] == names[order][:-1]):
        raise DesignError("a unit's id comes twice")
    return np.sort(order[METHODS[method].draw(p[order], random)])
