"""Whether volunteers can stand for the others: how far the models must reach, and what is balanced after."""

from dataclasses import dataclass

import numpy as np

from analysis.blending.models import Participation
from analysis.blending.samples import TwoSamples


@dataclass(frozen=True)
class Overlap:
    """How well volunteers cover the people.

    n_volunteers, n_reference : rows with covariates
    lowest, highest : probabilities of taking part among the volunteers
    n_effective : (Σ 1/π)² / Σ 1/π², what unequal weights leave of the volunteers (Kish 1965)
    largest_share : part of all weight that a single volunteer carries
    uncovered : part of the people whose combination of covariates no volunteer has: there the models reach
    """

    n_volunteers: int
    n_reference: int
    lowest: float
    highest: float
    n_effective: float
    largest_share: float
    uncovered: float


@dataclass(frozen=True, eq=False)
class Balance:
    """Means of the covariates, arrays of shape (q − 1,) without the constant, or (p,) of other columns.

    reference, volunteers, weighted : of the people, of the volunteers as they came, and weighted by 1/π
    before, after : differences from the people in standard deviations of the people (Stuart 2010); up to 0.1
        is usually taken as balanced (Austin 2009)
    """

    names: tuple[str, ...]
    reference: np.ndarray
    volunteers: np.ndarray
    weighted: np.ndarray
    before: np.ndarray
    after: np.ndarray


def overlap(samples: TwoSamples, participation: Participation) -> Overlap:
    """Overlap of the samples themselves, see `Overlap`."""
    counts = samples.volunteer_sums(np.ones(len(samples.volunteer_pattern)))[0]
    people = samples.reference_sums(np.ones(len(samples.reference_pattern)))[0]
    there = counts > 0
    chance = participation.probability[0][there]
    weight, n = 1 / chance, counts[there]
    total = float((n * weight).sum())
    return Overlap(
        int((samples.volunteer_pattern >= 0).sum()),
        int((samples.reference_pattern >= 0).sum()),
        float(chance.min()),
        float(chance.max()),
        total**2 / float((n * weight**2).sum()),
        float(weight.max()) / total,
        float(people[~there].sum() / people.sum()),
    )


def balance(samples: TwoSamples, participation: Participation, columns: np.ndarray | None = None) -> Balance:
    """Balance of every covariate before and after weighting, see `Balance`.

    columns : other functions of the covariates to look at, one row per pattern, shape (K, p); None: the
        covariates themselves

    References
    ----------
    Stuart (2010), Statistical Science 25, 1–21; Austin (2009), Statistics in Medicine 28, 3083–3107.
    """
    counts = samples.volunteer_sums(np.ones(len(samples.volunteer_pattern)))[0]
    people = samples.reference_sums(np.ones(len(samples.reference_pattern)))[0]
    x = samples.patterns[:, 1:] if columns is None else columns
    inverse = np.where(counts > 0, counts / participation.probability[0], 0.0)
    reference, volunteers, weighted = (w @ x / w.sum() for w in (people, counts, inverse))
    spread = np.sqrt(np.maximum(people @ x**2 / people.sum() - reference**2, 0.0))
    scale = np.where(spread > 0, spread, np.nan)
    names = samples.names[1:] if columns is None else tuple(f"x{k}" for k in range(x.shape[1]))
    return Balance(
        names,
        reference,
        volunteers,
        weighted,
        (volunteers - reference) / scale,
        (weighted - reference) / scale,
    )
