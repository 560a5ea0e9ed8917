"""A population with a known mean, its volunteers, and a simple random sample beside them."""

import numpy as np
from scipy.special import expit

from analysis.blending import TwoSamples

X1, X2 = np.array([0, 1, 2]), np.array([0, 1])


class Population:
    """`size` people: who takes part depends on two covariates, and so does what they think.

    participation, outcome : coefficients of (constant, x1 = 1, x1 = 2, x2, interaction)
    """

    def __init__(self, participation, outcome, *, size=20_000, seed=1):
        rng = np.random.default_rng(seed)
        x1 = rng.choice(X1, size, p=[0.3, 0.4, 0.3])
        x2 = (rng.random(size) < 0.3 + 0.2 * (x1 == 2)).astype(float)
        self.x = np.column_stack([np.ones(size), x1 == 1, x1 == 2, x2]).astype(float)
        wide = np.column_stack([self.x, (x1 == 2) * x2])
        self.chance = expit(wide @ np.array(participation))
        self.y = wide @ np.array(outcome) + rng.normal(0, 10, size)

    @property
    def mean(self):
        return float(self.y.mean())

    def draw(self, seed, *, take=500, repetitions=60, units=None):
        """(samples, volunteers' outcome, reference's outcome) of one draw of both samples."""
        rng = np.random.default_rng([seed, 1])  # not the stream that made the people
        joined = np.flatnonzero(rng.random(len(self.y)) < self.chance)
        drawn = rng.choice(len(self.y), take, replace=False)
        weights = np.full(take, len(self.y) / take)
        counts = rng.multinomial(take - 1, np.full(take, 1 / take), size=repetitions).T
        samples = TwoSamples(
            self.x[joined],
            self.x[drawn],
            weights=weights,
            replicates=weights[:, None] * counts * take / (take - 1),
            names=("constant", "middle", "old", "urban"),
            seed=seed,
        )
        return samples, self.y[joined], self.y[drawn]


# Old and urban people take part more often, and are more content: volunteers overstate.
MAIN_PARTICIPATION, MAIN_OUTCOME = (-3.6, 0.4, 1.0, 0.6, 0.0), (60.0, 5.0, 12.0, 6.0, 0.0)
CROSSED_PARTICIPATION, CROSSED_OUTCOME = (-3.6, 0.4, 1.0, 0.2, 0.7), (60.0, 5.0, 12.0, 2.0, 10.0)
