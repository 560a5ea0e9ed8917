"""The ordered pivotal method: fixed size, neighbours in the list seldom taken together.

References
----------
Deville, J.-C. & Tillé, Y. (1998). Unequal probability sampling without replacement through a splitting
method. Biometrika 85, 89-101, section 5. R: sampling::UPpivotal.
Chauvet, G. (2012). On a characterization of ordered pivotal sampling. Bernoulli 18, 1320-1340 (the joint
probabilities; here they come from following the duels exactly).
"""

import numpy as np

from analysis.selection.probabilities import EPS, Numbers, checked
from analysis.selection.uniforms import Randomness, Uniforms


def draw_pivotal(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions taken, ascending. One uniform number is read per duel, at most n_units - 1.

    Two units a, b duel: if a + b > 1, one is taken and the other keeps a + b - 1; otherwise one is dropped
    and the other gets a + b. The survivor meets the next unit of the list.

    Parameters
    ----------
    pi : shape (n_units,). When Σπ is not whole the last survivor is taken with what it has left, which
        reads one number more.
    """
    value = checked(pi).copy()
    source = Uniforms(random)
    if len(value) < 2:
        return _finish(value, source)
    a, b, following = 0, 1, 2
    while True:
        value[a], value[b] = _duel(value[a], value[b], source.next())
        for slot in (a, b):
            decided = value[slot] <= EPS or value[slot] >= 1 - EPS
            if not decided:
                continue
            value[slot] = round(value[slot])
            if following == len(value):
                return _finish(value, source)
            if slot == a:
                a = following
            else:
                b = following
            following += 1


def _duel(a: float, b: float, u: float) -> tuple[float, float]:
    if a + b > 1 + EPS:
        return (1.0, a + b - 1) if u * (2 - a - b) < 1 - b else (a + b - 1, 1.0)
    return (0.0, a + b) if u * (a + b) < b else (a + b, 0.0)


def _finish(value: np.ndarray, source: Uniforms) -> np.ndarray:
    for k in np.flatnonzero((value > EPS) & (value < 1 - EPS)):
        value[k] = float(source.next() < value[k])
    return np.flatnonzero(value >= 1 - EPS)


def pivotal_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl of `draw_pivotal` in the order given, shape (n_units, n_units), diagonal π.

    The value of the survivor after each duel is fixed (the fraction of the cumulative sum); only who
    survives is random. Followed are the chance that i survives, and that k was taken and i survives.
    O(N³) time.
    """
    p = checked(pi)
    size = len(p)
    joint = np.zeros((size, size))
    taken = np.zeros(size)  # chance that k is decided and taken
    alive = np.zeros(size)  # chance that i holds the open slot
    both = np.zeros((size, size))  # [k, i]: k taken, i holds the open slot
    value = 0.0
    for j in range(size):
        total = value + p[j]
        if not EPS < value < 1 - EPS:
            _settle(joint, taken, alive, both, rounded=value > 0.5)
            alive[j], both[:, j], value = 1.0, taken, p[j]
            continue
        if total > 1 + EPS:  # the holder i is taken and j goes on, or j is taken and i goes on
            i_taken = (1 - p[j]) / (2 - total)
            joint += i_taken * both
            j_row = (1 - i_taken) * both.sum(axis=1)
            joint[:, j] += j_row
            taken += i_taken * alive
            onward = i_taken * (both.sum(axis=1) + alive)
            both *= 1 - i_taken
            both[j] = (1 - i_taken) * alive
            taken[j] += 1 - i_taken
            both[:, j] = onward
            alive *= 1 - i_taken
            alive[j] = i_taken
            value = total - 1
        else:  # one of the two is dropped
            j_stays = p[j] / total if total > 0 else 0.0
            onward = j_stays * both.sum(axis=1)
            both *= 1 - j_stays
            both[:, j] = onward
            alive *= 1 - j_stays
            alive[j] = j_stays
            value = total
    if value >= 1 - EPS:
        _settle(joint, taken, alive, both, rounded=True)
    elif value > EPS:
        joint += value * both
    joint = joint + joint.T
    np.fill_diagonal(joint, p)
    return joint


def _settle(
    joint: np.ndarray, taken: np.ndarray, alive: np.ndarray, both: np.ndarray, *, rounded: bool
) -> None:
    """The open slot reached 0 or 1: its holder is dropped or taken, and the slot is free."""
    if rounded:
        joint += both
        taken += alive
    both[:] = 0.0
    alive[:] = 0.0
