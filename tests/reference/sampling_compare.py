"""Comparison of results as the sampling case format defines it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.reference.compare import Outcome, close, number

_SHOWN = 4


def compare_results(outcome: Outcome, got: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    """Every result the case expects, by name."""
    for key, want in case["results"].items():
        if key in got:
            compare(outcome, key, got[key], want, case["tolerance"])
        else:
            outcome.fail(f"{key}: no such result")


def compare(outcome: Outcome, path: str, got: Any, want: Any, tolerance: Mapping[str, float]) -> None:
    """|x − y| ≤ atol + rtol·max(|x|, |y|); whole numbers, words and truth values exactly; null: no value."""
    got = got.tolist() if isinstance(got, (np.ndarray, np.generic)) else got
    if isinstance(want, dict):
        named = {str(k): v for k, v in got.items()}
        for key, part in want.items():
            if key in named:
                compare(outcome, f"{path}.{key}", named[key], part, tolerance)
            else:
                outcome.fail(f"{path}.{key}: missing")
    elif isinstance(want, list) or isinstance(got, (list, tuple)):
        wants = want if isinstance(want, list) else [want]
        gots = list(got) if isinstance(got, (list, tuple)) else [got]
        if len(wants) != len(gots):
            outcome.fail(f"{path}: {len(gots)} values, expected {len(wants)}")
            return
        for k, (a, b) in enumerate(zip(gots, wants, strict=True)):
            compare(outcome, f"{path}[{k + 1}]", a, b, tolerance)
    elif not same(got, want, tolerance):
        if len(outcome.lines) < _SHOWN:
            outcome.fail(f"{path}: got {got!r}, expected {want!r}")
        outcome.status = "failed"


def same(got: Any, want: Any, tolerance: Mapping[str, float]) -> bool:
    if isinstance(want, (bool, str)) or isinstance(got, (bool, str)):
        return type(got) is type(want) and got == want
    if isinstance(want, int) and isinstance(got, int):
        return got == want
    return close(number(got), number(want), tolerance["rtol"], slack=tolerance["atol"])
