"""AAPOR outcome rates from counts of final dispositions.

Formulas: AAPOR Standard Definitions (9th ed. 2016), as tabulated in ropensci/outcomerate (fmat.csv).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError

CLASSES = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")
"""Complete, partial, refusal or break-off, non-contact, other eligible; unknown if a household, unknown if
anybody eligible; not eligible."""


@dataclass(frozen=True)
class OutcomeRates:
    """Counts, e (None where nothing is known of eligibility) and the rates (0–1; None where the denominator
    is 0 or e is missing)."""

    counts: Mapping[str, float]
    e: float | None
    rates: Mapping[str, float | None]


def eligibility_rate(counts: Mapping[str, float]) -> float | None:
    """e by proportional allocation (CASRO): of the units whose eligibility is known, the share eligible.

    Parameters
    ----------
    counts : {outcome class: units}, whole or weighted; absent classes are 0

    Returns
    -------
    float in [0, 1], or None while the eligibility of no unit is known

    Notes
    -----
    (I + P + R + NC + O) / (I + P + R + NC + O + NE). R: `outcomerate::eligibility_rate`.
    """
    n = _checked(counts)
    eligible = sum(n[k] for k in ("I", "P", "R", "NC", "O"))
    return eligible / (eligible + n["NE"]) if eligible + n["NE"] else None


def outcome_rates(counts: Mapping[str, float], e: float | None = None) -> OutcomeRates:
    """All AAPOR response, cooperation, refusal and contact rates.

    Parameters
    ----------
    counts : {outcome class: units}, whole or weighted; absent classes are 0
    e : share of the units of unknown eligibility taken as eligible; None estimates it

    Returns
    -------
    OutcomeRates with RR1–RR6, COOP1–COOP4, REF1–REF3, CON1–CON3

    Notes
    -----
    T = I + P, E = T + R + NC + O, U = UH + UO; bases E + U (1), E + eU (3, 4, REF2, CON2), E (5, 6, REF3,
    CON3), T + R + O and T + R for cooperation. State which e and which rule for partials was used.
    R: `outcomerate::outcomerate`.
    """
    n = _checked(counts)
    e = eligibility_rate(n) if e is None else e
    if e is not None and not 0 <= e <= 1:
        raise AnalysisError(f"e lies between 0 and 1; got {e}")
    done, both = n["I"], n["I"] + n["P"]
    known = both + n["R"] + n["NC"] + n["O"]
    unknown = n["UH"] + n["UO"]
    reached = both + n["R"] + n["O"]
    bases = {"1": known + unknown, "3": 0 if e is None else known + e * unknown, "5": known}
    rates = {
        "RR1": (done, bases["1"]), "RR2": (both, bases["1"]), "RR3": (done, bases["3"]),
        "RR4": (both, bases["3"]), "RR5": (done, bases["5"]), "RR6": (both, bases["5"]),
        "COOP1": (done, reached), "COOP2": (both, reached),
        "COOP3": (done, both + n["R"]), "COOP4": (both, both + n["R"]),
        "REF1": (n["R"], bases["1"]), "REF2": (n["R"], bases["3"]), "REF3": (n["R"], bases["5"]),
        "CON1": (reached, bases["1"]), "CON2": (reached, bases["3"]), "CON3": (reached, bases["5"]),
    }  # fmt: skip
    return OutcomeRates(n, e, {k: top / low if low else None for k, (top, low) in rates.items()})


def _checked(counts: Mapping[str, float]) -> dict[str, float]:
    unknown = set(counts) - set(CLASSES)
    if unknown:
        raise AnalysisError(f"no such outcome class: {', '.join(sorted(unknown))}")
    if not all(np.isfinite(value) and value >= 0 for value in counts.values()):
        raise AnalysisError("a count of dispositions is negative or missing")
    plain = {name: float(counts.get(name, 0)) for name in CLASSES}
    return {name: int(value) if value.is_integer() else value for name, value in plain.items()}
