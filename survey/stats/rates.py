"""AAPOR outcome rates."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from analysis.rates import outcome_rates as _outcome_rates
from survey.stats.refusals import refusals


def outcome_rates(counts: Mapping[str, int]) -> dict[str, Any]:
    """{"counts", "e", "rates": {"RR1" …}} from counts of I, P, R, NC, O, UH, UO, NE; e by CASRO's rule."""
    with refusals(_("回答率")):
        result = _outcome_rates(counts)
    return {"counts": dict(result.counts), "e": result.e, "rates": dict(result.rates)}
