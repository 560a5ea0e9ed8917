"""Volunteers beside a probability sample: propensity-weighted, doubly robust and blended figures."""

from analysis.blending.composite import Composite, combine
from analysis.blending.diagnostics import Balance, Overlap, balance, overlap
from analysis.blending.figures import METHODS, VolunteerFigures, volunteer_figures
from analysis.blending.models import Participation, fit_participation
from analysis.blending.samples import TwoSamples

__all__ = [
    "METHODS",
    "Balance",
    "Composite",
    "Overlap",
    "Participation",
    "TwoSamples",
    "VolunteerFigures",
    "balance",
    "combine",
    "fit_participation",
    "overlap",
    "volunteer_figures",
]
