"""Where the floating-point methods take their random numbers from: a numpy Generator, or a list given.

Certificates never use these: see `analysis.selection.stream`.
"""

from collections.abc import Sequence

import numpy as np

from analysis.errors import DesignError

Randomness = np.random.Generator | Sequence[float] | np.ndarray | float


class Uniforms:
    """Uniform numbers in [0, 1), read in order.

    Parameters
    ----------
    source : a `numpy.random.Generator`, or the numbers themselves (a sequence, or one number), which lets a
        draw be repeated by hand or compared with another program's.

    Raises
    ------
    DesignError : a given number lies outside [0, 1).
    """

    def __init__(self, source: Randomness) -> None:
        self.n_used = 0
        self._generator = source if isinstance(source, np.random.Generator) else None
        self._given = np.empty(0) if self._generator else np.atleast_1d(np.asarray(source, dtype=float))
        if not np.all((self._given >= 0) & (self._given < 1)):
            raise DesignError("a uniform number lies outside [0, 1)")

    def next(self) -> float:
        """The next number. Raises DesignError when the given ones are used up."""
        return float(self.take(1)[0])

    def take(self, n: int) -> np.ndarray:
        """The next n numbers, shape (n,). Raises DesignError when the given ones are used up."""
        first, self.n_used = self.n_used, self.n_used + n
        if self._generator is not None:
            return self._generator.random(n)
        if self.n_used > len(self._given):
            raise DesignError(f"the draw needs more than the {len(self._given)} uniform numbers given")
        return self._given[first : self.n_used]
