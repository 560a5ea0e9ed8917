"""Small areas: direct figures, smoothed variances, Fay–Herriot and unit-level EBLUPs, benchmarking."""

from analysis.small_area.benchmarking import benchmark
from analysis.small_area.diagnostics import FayHerriotDiagnostics, diagnose_fay_herriot
from analysis.small_area.direct import (
    DIRECT_DESIGNS,
    AreaEstimates,
    area_estimates,
    direct_domain_mean,
)
from analysis.small_area.fay_herriot import METHODS, FayHerriot, fay_herriot
from analysis.small_area.smoothing import SmoothedVariances, smooth_variances
from analysis.small_area.unit_level import UnitLevelModel, unit_level_eblup

__all__ = [
    "DIRECT_DESIGNS",
    "METHODS",
    "AreaEstimates",
    "FayHerriot",
    "FayHerriotDiagnostics",
    "SmoothedVariances",
    "UnitLevelModel",
    "area_estimates",
    "benchmark",
    "diagnose_fay_herriot",
    "direct_domain_mean",
    "fay_herriot",
    "smooth_variances",
    "unit_level_eblup",
]
