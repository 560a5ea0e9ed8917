"""Conditional Poisson sampling (maximum entropy) and Sampford's method: fixed size, exact π and π_kl.

Both give a sample s of size n a probability built from products of λ_k:

* maximum entropy: P(s) ∝ Π_{k∈s} w_k, with w found so that the inclusion probabilities are those asked;
* Sampford: P(s) ∝ (n - Σ_{k∈s} π_k) Π_{k∈s} π_k/(1-π_k) = Σ_{j∈s} (1-π_j) · Π_{k∈s} π_k/(1-π_k).

Everything follows from sums over the subsets of the first, or last, units of a list. They are carried as
Poisson-binomial probabilities (factors 1-q_k + q_k x with q = λ/(1+λ)), whose terms are all positive and sum
to 1: nothing cancels and nothing overflows. Sampford's first factor is the derivative part `D` beside the
probabilities `P`. The draws go through the list once and need no rejection.

References
----------
Sampford, M. R. (1967). On sampling without replacement with unequal probabilities of selection.
Biometrika 54, 499-513. R: sampling::UPsampford, UPsampfordpi2.
Chen, X.-H., Dempster, A. P. & Liu, J. S. (1994). Weighted finite population sampling to maximize entropy.
Biometrika 81, 457-469. R: sampling::UPmaxentropy, UPmaxentropypi2.
Tillé, Y. (2006). Sampling Algorithms, sections 5.4 and 7.2 (sequential procedure, p. 91).
"""

from functools import lru_cache

import numpy as np

from analysis.errors import DesignError, NotConvergedError
from analysis.selection.probabilities import Numbers, Split, checked, embed_joint, split, with_certain
from analysis.selection.uniforms import Randomness, Uniforms

_MAX_STEPS = 200
_BLOCK_NUMBERS = 4_000_000  # numbers held at once by the pair sums: 2 × 32 MB


def draw_sampford(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions of a Sampford sample, ascending. One number is read per unit left to chance, at most.

    Parameters
    ----------
    pi : shape (n_units,), with a whole sum.
    """
    p = checked(pi)
    parts = split(p)
    q = p[parts.free]
    return with_certain(parts, _draw(q, 1.0 - q, parts.n_free, Uniforms(random)))


def draw_max_entropy(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions of a conditional Poisson sample whose inclusion probabilities are π, ascending.

    Units are visited in order; unit k, with its own uniform number, is taken when u_k < P(k | what was
    decided before). Reading stops when n are taken.
    """
    p = checked(pi)
    parts = split(p)
    q = max_entropy_weights(p[parts.free])
    source = Uniforms(random)
    free = np.zeros(len(p), dtype=bool)
    free[parts.free] = True
    # Every unit owns one number of the list, certain ones too.
    last = int(parts.free[-1]) + 1 if len(parts.free) else 0
    u = source.take(last)[free[:last]]
    return with_certain(parts, _draw(q, None, parts.n_free, Uniforms(u)))


def sampford_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl of Sampford's method, shape (n_units, n_units), diagonal π. O(N² n) time."""
    p = checked(pi)
    parts = split(p)
    q = p[parts.free]
    return embed_joint(p, parts, _joint(q, 1.0 - q, q, parts))


def max_entropy_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl of the maximum-entropy design of fixed size, shape (n_units, n_units), diagonal π."""
    p = checked(pi)
    parts = split(p)
    q = max_entropy_weights(p[parts.free])
    return embed_joint(p, parts, _joint(q, None, p[parts.free], parts))


def max_entropy_weights(pi: np.ndarray) -> np.ndarray:
    """q_k, the probabilities of independent trials which, given that n succeed, succeed with chance π_k.

    w_k = q_k/(1-q_k). The log odds of q move by those of π less those of the probabilities now reached
    (Chen, Dempster & Liu 1994, p. 461), by a part of that where the full step overshoots: with two units it
    would go to and fro for ever.

    Parameters
    ----------
    pi : shape (n_units,), strictly between 0 and 1, with a whole sum n.

    Raises
    ------
    NotConvergedError : the probabilities were not reached within 1e-10 relative.
    """
    return _weights_of(np.ascontiguousarray(pi, dtype=float).tobytes()).copy()


@lru_cache(maxsize=16)
def _weights_of(content: bytes) -> np.ndarray:
    """A simulation draws one design many times: the weights of the last designs are kept."""
    pi = np.frombuffer(content)
    if not len(pi):
        return pi
    n = round(float(pi.sum()))
    if not 0 < n < len(pi):
        raise DesignError("probabilities strictly between 0 and 1 cannot sum to 0 or to the number of units")
    target = np.log(pi) - np.log1p(-pi)
    theta, part, previous = target, 1.0, np.inf
    for _ in range(_MAX_STEPS):
        q = 1.0 / (1.0 + np.exp(-theta))
        reached = _inclusion(q, n)
        worst = float(np.max(np.abs(reached / pi - 1)))
        if worst < 1e-13 or (worst < 1e-10 and worst > 0.8 * previous):
            return q
        if worst > 0.4 * previous:
            part = max(0.75 * part, 0.25)
        previous = worst
        # Multiplying all odds by one number changes nothing: keep Σq = n, where the sums are best scaled.
        theta = _centred(theta + part * (target - np.log(reached) + np.log1p(-reached)), n)
    raise NotConvergedError(f"the maximum-entropy weights still miss a probability by {previous:.2g}")


def _centred(theta: np.ndarray, n: int) -> np.ndarray:
    """Shift the log odds so that Σq = n (Newton; a monotone, smooth equation in one unknown)."""
    for _ in range(50):
        q = 1.0 / (1.0 + np.exp(-theta))
        gap = q.sum() - n
        if abs(gap) < 1e-9 * n:
            break
        theta = theta - np.clip(gap / (q * (1 - q)).sum(), -2.0, 2.0)
    return theta


def _suffix_tables(q: np.ndarray, c: np.ndarray | None, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """P[k, m] = chance that m of the units k, k+1, … succeed, m = 0 … n; D[k, m] the same with weight Σc
    over those that do.
    """
    size = len(q)
    prob = np.zeros((size + 1, n + 1))
    prob[size, 0] = 1.0
    derived = np.zeros((size + 1, n + 1)) if c is not None else None
    for k in range(size - 1, -1, -1):
        prob[k] = (1 - q[k]) * prob[k + 1]
        prob[k, 1:] += q[k] * prob[k + 1, :-1]
        if derived is not None:
            derived[k] = (1 - q[k]) * derived[k + 1]
            derived[k, 1:] += q[k] * (derived[k + 1, :-1] + c[k] * prob[k + 1, :-1])
    return prob, derived


def _draw(q: np.ndarray, c: np.ndarray | None, n: int, source: Uniforms) -> np.ndarray:
    """Positions taken, ascending: one pass, unit k with its chance given the decisions before it.

    Without `c` the weight of a completion of m more units is P[k, m]; with it, given Σc over the taken
    units so far, (Σc) P[k, m] + D[k, m].
    """
    prob, derived = _suffix_tables(q, c, n)
    taken, left, so_far = [], n, 0.0
    for k in range(len(q)):
        if left == 0:
            break
        if derived is None:
            chance = q[k] * prob[k + 1, left - 1] / prob[k, left]
        else:
            with_k = (so_far + c[k]) * prob[k + 1, left - 1] + derived[k + 1, left - 1]
            chance = q[k] * with_k / (so_far * prob[k, left] + derived[k, left])
        # What is left must all be taken, whatever the rounding of the chance.
        if source.next() < chance or len(q) - k == left:
            taken.append(k)
            left -= 1
            so_far += 0.0 if c is None else c[k]
    return np.array(taken, dtype=np.intp)


def _inclusion(q: np.ndarray, n: int) -> np.ndarray:
    """P(k succeeds | n succeed), from prefixes and suffixes that leave k out."""
    after, _ = _suffix_tables(q, None, n)
    before = np.zeros(n + 1)
    before[0] = 1.0
    pi = np.empty(len(q))
    for k in range(len(q)):
        pi[k] = q[k] * (before[:n] @ after[k + 1, :n][::-1])
        nxt = (1 - q[k]) * before
        nxt[1:] += q[k] * before[:-1]
        before = nxt
    return pi / after[0, n]


def _joint(q: np.ndarray, c: np.ndarray | None, pi: np.ndarray, parts: Split) -> np.ndarray:
    """π_kl of the units left to chance: for every k the list without k is swept from both ends."""
    size, n = len(q), parts.n_free
    joint = np.zeros((size, size))
    if n >= 2:
        norm_p, norm_d = _suffix_tables(q, c, n)
        norm = norm_p[0, n] if norm_d is None else norm_d[0, n]
        step = max(1, _BLOCK_NUMBERS // ((size + 1) * (n + 1)))
        for start in range(0, size, step):
            rows = np.arange(start, min(start + step, size))
            joint[rows] = _joint_rows(q, c, n, rows) / norm
        joint = (joint + joint.T) / 2
    np.fill_diagonal(joint, pi)
    return joint


def _joint_rows(q: np.ndarray, c: np.ndarray | None, n: int, rows: np.ndarray) -> np.ndarray:
    """Weight of all samples holding k and l, for k in `rows` and every l ≠ k; shape (rows, units)."""
    size, m = len(q), n - 2
    without = np.tile(q, (len(rows), 1))
    without[np.arange(len(rows)), rows] = 0.0
    after_p = np.zeros((size + 1, len(rows), m + 1))
    after_d = np.zeros_like(after_p) if c is not None else None
    after_p[size, :, 0] = 1.0
    for j in range(size - 1, -1, -1):
        _step(without[:, j, None], None if c is None else c[j], after_p, after_d, j + 1, j)
    before_p = np.zeros((2, len(rows), m + 1))
    before_d = np.zeros_like(before_p) if c is not None else None
    before_p[0, :, 0] = 1.0
    weight = np.zeros((len(rows), size))
    for j in range(size):
        now, nxt = j % 2, (j + 1) % 2
        both = np.sum(before_p[now] * after_p[j + 1, :, ::-1], axis=1)
        if c is not None:
            mixed = before_d[now] * after_p[j + 1, :, ::-1] + before_p[now] * after_d[j + 1, :, ::-1]
            both = (c[rows] + c[j]) * both + mixed.sum(axis=1)
        weight[:, j] = q[rows] * without[:, j] * both
        _step(without[:, j, None], None if c is None else c[j], before_p, before_d, now, nxt)
    return weight


def _step(
    q: np.ndarray, c: float | None, prob: np.ndarray, derived: np.ndarray | None, old: int, new: int
) -> None:
    """One more unit, with chance q (one per row), joins the sums in slot `old`; the result goes to `new`."""
    prob[new] = (1 - q) * prob[old]
    prob[new, :, 1:] += q * prob[old, :, :-1]
    if derived is not None:
        derived[new] = (1 - q) * derived[old]
        derived[new, :, 1:] += q * (derived[old, :, :-1] + c * prob[old, :, :-1])
