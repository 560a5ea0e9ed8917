"""AAPOR outcome rates from counts of final dispositions.

Formulas: AAPOR Standard Definitions (9th ed. 2016), as tabulated in ropensci/outcomerate (fmat.csv).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.errors import AnalysisError

CLASSES = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")
"""Complete, partial, refusal or break-off, non-contact, other eligible; unknown if a household, unknown if
anybody eligible; not eligible."""


@dataclass(frozen=True)
class OutcomeRates:
    """Counts, e and the rates (0–1; None where the denominator is 0)."""

    counts: Mapping[str, int]
    e: float
    rates: Mapping[str, float | None]


def eligibility_rate(counts: Mapping[str, int]) -> float:
    """e by proportional allocation (CASRO): of the units whose eligibility is known, the share eligible.

    1 when nothing is known of any unit, which makes RR3 equal RR1: the careful choice.
    """
    n = _checked(counts)
    eligible = sum(n[k] for k in ("I", "P", "R", "NC", "O"))
    return eligible / (eligible + n["NE"]) if eligible + n["NE"] else 1.0


def outcome_rates(counts: Mapping[str, int], e: float | None = None) -> OutcomeRates:
    """All AAPOR response, cooperation, refusal and contact rates.

    Parameters
    ----------
    counts : {outcome class: units}; absent classes are 0
    e : share of the units of unknown eligibility taken as eligible; None estimates it
    """
    n = _checked(counts)
    e = eligibility_rate(n) if e is None else e
    if not 0 <= e <= 1:
        raise AnalysisError(f"e lies between 0 and 1; got {e}")
    done, both = n["I"], n["I"] + n["P"]
    known = both + n["R"] + n["NC"] + n["O"]
    unknown = n["UH"] + n["UO"]
    reached = both + n["R"] + n["O"]
    bases = {"1": known + unknown, "3": known + e * unknown, "5": known}
    rates = {
        "RR1": (done, bases["1"]), "RR2": (both, bases["1"]), "RR3": (done, bases["3"]),
        "RR4": (both, bases["3"]), "RR5": (done, bases["5"]), "RR6": (both, bases["5"]),
        "COOP1": (done, reached), "COOP2": (both, reached),
        "COOP3": (done, both + n["R"]), "COOP4": (both, both + n["R"]),
        "REF1": (n["R"], bases["1"]), "REF2": (n["R"], bases["3"]), "REF3": (n["R"], bases["5"]),
        "CON1": (reached, bases["1"]), "CON2": (reached, bases["3"]), "CON3": (reached, bases["5"]),
    }  # fmt: skip
    return OutcomeRates(n, e, {k: top / low if low else None for k, (top, low) in rates.items()})


def _checked(counts: Mapping[str, int]) -> dict[str, int]:
    unknown = set(counts) - set(CLASSES)
    if unknown:
        raise AnalysisError(f"no such outcome class: {', '.join(sorted(unknown))}")
    if any(value < 0 for value in counts.values()):
        raise AnalysisError("a count of dispositions is negative")
    return {name: int(counts.get(name, 0)) for name in CLASSES}
