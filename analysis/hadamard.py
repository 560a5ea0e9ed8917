"""Hadamard matrices for balanced half-samples: Sylvester's doubling and both of Paley's constructions."""

from functools import lru_cache

import numpy as np

_LARGEST = 4096


def hadamard(order_above: int) -> np.ndarray:
    """A Hadamard matrix (entries ±1, first row and column 1) of the smallest constructible order >
    `order_above`.

    Orders below 92 that can exist are all reached; beyond, a few multiples of 4 are skipped (no Paley field).
    References: Paley (1933); Hedayat & Wallis (1978).
    """
    order = order_above + 1
    while order <= _LARGEST:
        if order in (1, 2) or order % 4 == 0:
            matrix = _build(order)
            if matrix is not None:
                signs = matrix * matrix[:, :1]  # first column 1
                return signs * signs[:1, :]  # first row 1
        order += 1
    raise ValueError(f"no Hadamard matrix above order {_LARGEST} is built here; got {order_above}")


@lru_cache(maxsize=32)
def _build(order: int) -> np.ndarray | None:
    if order == 1:
        return np.ones((1, 1), dtype=np.int64)
    if order == 2:
        return np.array([[1, 1], [1, -1]], dtype=np.int64)
    if order % 4:
        return None
    half = _build(order // 2)
    if half is not None:
        return np.kron(half, _build(2))
    if _residues(order - 1) is not None and (order - 1) % 4 == 3:
        return _paley_one(order - 1)
    if order % 2 == 0 and _residues(order // 2 - 1) is not None and (order // 2 - 1) % 4 == 1:
        return _paley_two(order // 2 - 1)
    return None


def _paley_one(q: int) -> np.ndarray:
    s = np.zeros((q + 1, q + 1), dtype=np.int64)
    s[0, 1:] = 1
    s[1:, 0] = -1
    s[1:, 1:] = _residues(q)
    return s + np.eye(q + 1, dtype=np.int64)


def _paley_two(q: int) -> np.ndarray:
    c = np.zeros((q + 1, q + 1), dtype=np.int64)
    c[0, 1:] = c[1:, 0] = 1
    c[1:, 1:] = _residues(q)
    plus, minus = np.array([[1, 1], [1, -1]]), np.array([[1, -1], [-1, -1]])
    return np.kron(c, plus) + np.kron(np.eye(q + 1, dtype=np.int64), minus)


def _residues(q: int) -> np.ndarray | None:
    """Quadratic character χ(a − b) over GF(q) for q = p or p², p an odd prime; None for other q."""
    if q < 3 or q % 2 == 0:
        return None
    if _is_prime(q):
        chi = np.full(q, -1)
        chi[np.arange(1, q) ** 2 % q] = 1
        chi[0] = 0
        index = np.arange(q)
        return chi[(index[:, None] - index[None, :]) % q]
    p = round(q**0.5)
    if p * p != q or not _is_prime(p):
        return None
    squares = {k * k % p for k in range(1, p)}
    r = next(k for k in range(2, p) if k not in squares)
    a, b = np.divmod(np.arange(q), p)  # element a + b√r
    chi = np.full(q, -1)
    chi[((a * a + r * b * b) % p) * p + (2 * a * b) % p] = 1
    chi[0] = 0
    difference = ((a[:, None] - a[None, :]) % p) * p + (b[:, None] - b[None, :]) % p
    return chi[difference]


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % k for k in range(2, int(n**0.5) + 1))
