"""The frozen result of a run: plain JSON, 12 significant digits, no clock. Pure."""

import math
from typing import Any

FORMAT = "minyi-report-1"
DIGITS = 12


def significant(value: Any) -> Any:
    """Every float of a nested structure rounded to 12 significant digits, so that machines agree.

    Whole floats become integers' text equals (3.0 stays 3.0); −0.0 becomes 0.0.

    Raises
    ------
    ValueError : a NaN or an infinity is left in the structure; absent figures are None.
    """
    if isinstance(value, dict):
        return {str(key): significant(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [significant(entry) for entry in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a figure of the document is not finite")
        return float(f"{value:.{DIGITS}g}") + 0.0
    return value
