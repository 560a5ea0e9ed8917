"""How the demo's people behave at their doors and phones, whichever round it is."""

import numpy as np

NOBODY_HOME = 0.12  # share of doors that stay shut, whoever lives behind them
REFUSALS = ("refused_person", "person_away", "unable")
REFUSAL_SHARES = (0.6, 0.3, 0.1)


def answering_seconds(age: int, rng: np.random.Generator) -> int:
    """About four minutes, longer for the old."""
    return int(rng.lognormal(np.log(210 + 2 * max(age - 40, 0)), 0.3))


def refusal(rng: np.random.Generator) -> str:
    """How a door ends that opened and gave no answer."""
    return REFUSALS[int(rng.choice(len(REFUSALS), p=REFUSAL_SHARES))]
