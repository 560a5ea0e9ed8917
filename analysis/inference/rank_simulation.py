"""Simulated critical values of the largest standardised difference among many estimates."""

import numpy as np
from scipy import special

from analysis.errors import AnalysisError

_BLOCK = 512  # draws worked on at once, so that a (K, draws) table stays in the processor's cache
_KNOWN = 300.0  # more degrees of freedom than this count as known variances: t and normal agree to 0.5 %


def difference_se(matrix: np.ndarray) -> np.ndarray:
    """Standard error of every difference, shape (K, K); 0 where two estimates move as one."""
    v = np.diag(matrix)
    both = v[:, None] + v[None, :]
    left = both - 2 * matrix
    return np.sqrt(np.where(left > 1e-12 * both, left, 0.0))


class RankSimulation:
    """Largest standardised differences of estimates that are in truth all equal; repeatable by its seed.

    Parameters
    ----------
    covariance : shape (K, K); ok : units that take part; df : number or shape (K,)
    shared : the units come from the same PSUs, so that covariances are as unsure as variances: the errors of
        a pair come from a simulated Wishart matrix on the smaller df of the two, and every T is a Student t.
        False: each unit has PSUs of its own: variances s²χ²(df)/df, correlated by the squared correlation of
        the estimates, the correlations taken as known

    Notes
    -----
    Pairs are visited by shifts: unit j meets j + d (modulo K) for d = 1 … K//2, which is every pair.
    """

    def __init__(
        self,
        covariance: np.ndarray,
        ok: np.ndarray,
        df: np.ndarray | float,
        draws: int,
        seed: int,
        *,
        shared: bool = False,
    ) -> None:
        if draws < 1000:
            raise AnalysisError(f"a critical value needs at least 1,000 draws; got {draws}")
        matrix = np.where(ok[:, None] & ok[None, :], covariance, 0.0)
        s = np.sqrt(np.diag(matrix))
        safe = np.where(s > 0, s, 1.0)
        correlation = matrix / np.outer(safe, safe)
        np.fill_diagonal(correlation, 1.0)
        df = np.broadcast_to(np.asarray(df, dtype=float), s.shape)
        if (ok & ~(df >= 1)).any():
            raise AnalysisError("every ranked estimate needs at least one degree of freedom")
        self.k, self.draws, self.s, self.seed = len(s), draws, s, seed
        self.covariance, self.fixed_se = matrix, difference_se(matrix)
        rng = np.random.default_rng(seed)
        self.root = _root(correlation)
        self.z = self.root @ rng.standard_normal((self.k, draws)) * s[:, None]
        self.df = np.where(ok & (s > 0) & (df <= _KNOWN), df, np.inf)
        uncertain = np.isfinite(self.df)
        self.shared = shared and bool(uncertain.any())
        self.q = None
        if uncertain.any() and not shared:
            g = _root(correlation**2) @ rng.standard_normal((self.k, draws))
            q = np.ones_like(g)
            for value in np.unique(self.df[uncertain]):
                rows = self.df == value
                q[rows] = np.interp(g[rows], *_chi_table(float(value)))
            self.q = q * s[:, None]

    def _wishart_variances(self, number: int) -> np.ndarray:
        """Simulated variances of the differences in a block of draws, shape (K, K, block)."""
        rng = np.random.default_rng([self.seed, number])
        count = min(_BLOCK, self.draws - number * _BLOCK)
        smaller = np.minimum(np.floor(self.df)[:, None], np.floor(self.df)[None, :])
        result = np.broadcast_to(self.fixed_se[:, :, None] ** 2, (self.k, self.k, count)).copy()
        gram, before = np.zeros((count, self.k, self.k)), 0
        for value in np.unique(smaller[np.isfinite(smaller)]):
            rows = int(value) - before
            g = (rng.standard_normal((count, rows, self.k)) @ self.root.T) * self.s
            gram += g.transpose(0, 2, 1) @ g
            before = int(value)
            own = np.einsum("bii->bi", gram)
            variance = (own[:, :, None] + own[:, None, :] - 2 * gram) / value
            here = smaller == value
            result[here] = variance[:, here].T
        return result

    def _differences(
        self, z: np.ndarray, spread: np.ndarray | None, shift: int, usable: np.ndarray
    ) -> np.ndarray:
        """T of the pairs (j, j + shift) in a block, shape (K, n_columns); 0 where not usable.

        z, spread : every unit twice, rows d … d + K − 1 being the partners of units 0 … K − 1; spread holds
        standard errors, shape (2K, n), or variances of differences, shape (K, K, n)
        """
        k = self.k
        first, second = np.arange(k), (np.arange(k) + shift) % k
        t = z[:k] - z[shift : shift + k]
        random = usable & (self.fixed_se[first, second] > 0)
        if spread is None:
            se = self.fixed_se[first, second]
            return t * np.divide(1.0, se, out=np.zeros(k), where=random)[:, None]
        if spread.ndim == 3:
            variance = spread[first, second]
        else:
            a, b = spread[:k], spread[shift : shift + k]
            variance = a * a
            variance += b * b
            covariance = self.covariance[first, second]
            if covariance.any():
                scale = self.s[first] * self.s[second]
                rho = np.divide(covariance, scale, out=np.zeros(k), where=scale > 0)
                variance -= 2 * rho[:, None] * (a * b)
        variance[~random] = np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            t /= np.sqrt(np.maximum(variance, 0.0, out=variance), out=variance)
        return np.nan_to_num(t, nan=0.0, copy=False)

    def _block(self, number: int, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        z = self.z[:, columns]
        z = np.vstack([z, z])
        if self.shared:
            return z, self._wishart_variances(number)[:, :, columns - number * _BLOCK]
        if self.q is None:
            return z, None
        q = self.q[:, columns]
        return z, np.vstack([q, q])

    def largest(self, pairs: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Largest T (at least 0) over the ordered pairs in the draws `among` (sorted), of that shape."""
        k, units = self.k, np.arange(self.k)
        out = np.empty(len(among))
        for number in np.unique(among // _BLOCK):
            here = among // _BLOCK == number
            z, spread = self._block(int(number), among[here])
            best = np.zeros((k, int(here.sum())))
            for shift in range(1, k // 2 + 1):
                there, back = pairs[units, (units + shift) % k], pairs[(units + shift) % k, units]
                if not (there | back).any():
                    continue
                t = self._differences(z, spread, shift, there | back)
                if (there == back).all():
                    np.maximum(best, np.abs(t, out=t), out=best)
                else:
                    np.maximum(best, t * there[:, None], out=best)
                    np.maximum(best, -t * back[:, None], out=best)
            out[here] = best.max(axis=0)
        return out

    def critical(
        self, pairs: np.ndarray, level: float, before: np.ndarray | None
    ) -> tuple[float, np.ndarray]:
        """The quantile of the largest T, and the largest T of each draw.

        `before` : the values for a superset of the pairs. The new ones are never larger, so only the draws
        whose old value reaches the new quantile have to be worked out again.
        """
        if before is None:
            values = self.largest(pairs, np.arange(self.draws))
            return float(np.quantile(values, level)), values
        order = np.argsort(-before, kind="stable")
        values, done = before.copy(), 0
        share = 2 * (1 - level)
        while done < self.draws:
            upto = min(self.draws, max(done + 1, int(np.ceil(share * self.draws))))
            chosen = np.sort(order[done:upto])
            values[chosen] = self.largest(pairs, chosen)
            done, share = upto, 2 * share
            quantile = float(np.quantile(values, level))
            if done == self.draws or quantile >= before[order[done]]:
                break
        return quantile, values

    def largest_by_unit(self, pairs: np.ndarray) -> np.ndarray:
        """Largest |T| over the pairs with each unit, shape (draws, K); `pairs` is symmetric."""
        k, units = self.k, np.arange(self.k)
        out = np.empty((self.draws, k))
        for number in range(-(-self.draws // _BLOCK)):
            columns = np.arange(number * _BLOCK, min((number + 1) * _BLOCK, self.draws))
            z, spread = self._block(number, columns)
            best = np.zeros((2 * k, len(columns)))
            for shift in range(1, k // 2 + 1):
                t = np.abs(self._differences(z, spread, shift, pairs[units, (units + shift) % k]))
                np.maximum(best[:k], t, out=best[:k])
                np.maximum(best[shift : shift + k], t, out=best[shift : shift + k])
            out[columns] = np.maximum(best[:k], best[k:]).T
        return out


def _chi_table(df: float) -> tuple[np.ndarray, np.ndarray]:
    """√(χ²(df)/df) as a function of the standard normal with the same probability, on a fine grid."""
    at = np.linspace(-8.5, 8.5, 6801)
    low = special.gammaincinv(df / 2, special.ndtr(np.minimum(at, 0)))
    high = special.gammainccinv(df / 2, special.ndtr(-np.maximum(at, 0)))
    return at, np.sqrt(2 * np.where(at <= 0, low, high) / df)


def _root(matrix: np.ndarray) -> np.ndarray:
    """A square root B with BB' = matrix; tiny negative eigenvalues are rounding."""
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < -1e-6 * max(1.0, float(values.max())):
        raise AnalysisError("the covariance matrix is not positive semi-definite")
    return vectors * np.sqrt(np.maximum(values, 0.0))
