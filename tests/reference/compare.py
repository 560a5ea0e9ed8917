"""Comparison of numbers as the case formats define it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Unsupported(Exception):
    """The engine has no such verb or option; counted apart from failures."""


@dataclass
class Outcome:
    """Passed, failed or unsupported, with a line per mismatch."""

    case: str
    status: str = "passed"
    lines: list[str] = field(default_factory=list)

    def fail(self, line: str) -> None:
        self.status = "failed"
        self.lines.append(line)


def guarded(name: str, run: Callable[[], Outcome]) -> Outcome:
    """A case that breaks the engine, or that no runner can read, is a failure with its line; the others still
    run and are counted.
    """
    try:
        return run()
    except Exception as error:
        outcome = Outcome(name)
        outcome.fail(f"broke: {type(error).__name__}: {error}")
        return outcome


def case_name(case: Any, place: int) -> str:
    """The case's id, or its place in the file when it has none."""
    found = case.get("id") if isinstance(case, Mapping) else None
    return str(found) if found is not None else f"case {place + 1}"


def number(value: Any) -> float:
    """A number of the format: null and "NaN" are no value, "Inf" and "-Inf" infinite."""
    if value is None:
        return float("nan")
    if isinstance(value, str):
        return float(value.replace("Inf", "inf"))
    return float(value)


def numbers(values: Any) -> np.ndarray:
    return np.array([number(v) for v in values], dtype=float)


def close(got: float, want: float, r: float, floor: float = 0.0, slack: float = 0.0) -> bool:
    """|a − b| ≤ r·max(|a|, |b|, F) + A; two missing values agree."""
    if np.isnan(got) or np.isnan(want):
        return bool(np.isnan(got) and np.isnan(want))
    if np.isinf(got) or np.isinf(want):
        return got == want
    return abs(got - want) <= r * max(abs(got), abs(want), floor) + slack
