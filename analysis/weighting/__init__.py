"""Weights: nonresponse, post-stratification, raking, calibration, trimming and their diagnostics."""

from analysis.weighting.calibration import calibrate
from analysis.weighting.diagnostics import WeightDiagnostics, compare_margins, diagnose
from analysis.weighting.nonresponse import NonresponseAdjustment, adjust_by_class, adjust_by_propensity
from analysis.weighting.poststratification import poststratify, rake, standardize, without_rows
from analysis.weighting.recipe import RecipeErrors, recipe_errors
from analysis.weighting.trimming import trim, trim_and_calibrate

__all__ = [
    "NonresponseAdjustment",
    "RecipeErrors",
    "WeightDiagnostics",
    "adjust_by_class",
    "adjust_by_propensity",
    "calibrate",
    "compare_margins",
    "diagnose",
    "poststratify",
    "rake",
    "recipe_errors",
    "standardize",
    "trim",
    "trim_and_calibrate",
    "without_rows",
]
