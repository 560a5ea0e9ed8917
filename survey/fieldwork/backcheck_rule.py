"""Which interviews are checked back, and when to go on. Pure.

Algorithm "minyi-backcheck-1": an interviewer's interviews stand in the order of
SHA-256("minyi-backcheck-1|" + seed + "|" + response id); they are checked from the front. A household that
cannot be reached is replaced by the next in that order, so that nobody picks.

How many are reached, interviewer by interviewer:

1. `share` of his interviews, at least `minimum`.
2. `MORE` further ones as soon as one household disagrees, or something else about him stands out.
3. All of them as soon as `ALL_FROM` disagree.

Checking 10–20 % and going on to all of a suspect's work follows AAPOR, Interviewer Falsification in Survey
Research: Current Best Methods (2003).
"""

import hashlib
import math
from collections.abc import Iterable

ALGORITHM = "minyi-backcheck-1"
MORE, ALL_FROM = 10, 2


def in_order(seed: str, response_ids: Iterable[str]) -> list[str]:
    """The interviews in the order in which they are checked."""
    return sorted(
        response_ids, key=lambda one: hashlib.sha256(f"{ALGORITHM}|{seed}|{one}".encode()).hexdigest()
    )


def wanted(n: int, *, share: float, minimum: int, refuted: int, suspect: bool) -> int:
    """How many of an interviewer's `n` interviews should have been reached by now."""
    if refuted >= ALL_FROM:
        return n
    first = max(minimum, math.ceil(share * n))
    return min(n, first + (MORE if refuted or suspect else 0))
