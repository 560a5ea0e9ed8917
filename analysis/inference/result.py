"""The one result of every test."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class TestResult:
    """A test with its numbers.

    parameters : degrees of freedom and scales, by name (df; ndf and ddf; scale)
    estimate, se, ci : of the effect where the test has one
    eigenvalues : of the generalized design-effect matrix, for Rao–Scott tests
    """

    __test__ = False  # pytest: not a test class

    method: str
    statistic: float
    p_value: float
    parameters: Mapping[str, float] = field(default_factory=dict)
    estimate: float | None = None
    se: float | None = None
    ci: tuple[float, float] | None = None
    eigenvalues: np.ndarray | None = None

    def __str__(self) -> str:
        shown = ", ".join(f"{k} = {v:.6g}" for k, v in self.parameters.items())
        effect = "" if self.estimate is None else f"; estimate {self.estimate:.6g}"
        return f"{self.method}: statistic {self.statistic:.6g} ({shown}), p = {self.p_value:.4g}{effect}"
