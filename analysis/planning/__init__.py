"""Planning: how many interviews, where, what they cost and what they can show.

Real numbers throughout; a plan rounds up at the end (`SampleSize.respondents`).
"""

from analysis.planning.allocation import (
    Allocation,
    allocate_by_cost,
    allocate_by_power,
    allocate_equal,
    allocate_neyman,
    allocate_neyman_take_all,
    allocate_proportionally,
    allocate_to_target,
    standard_error_of_mean,
    whole_numbers,
)
from analysis.planning.bethel import (
    BethelAllocation,
    PrecisionTarget,
    allocate_bethel,
    precision_reached,
)
from analysis.planning.clusters import (
    budget_take,
    cluster_design,
    clusters_for_target,
    fixed_clusters,
    optimum_take,
    three_stage_design,
)
from analysis.planning.curve import CurvePoint, cost_precision_curve, cost_precision_table
from analysis.planning.homogeneity import (
    DesignEffect,
    WeightEffect,
    cluster_design_effect,
    icc_anova,
    two_stage_components,
    weight_design_effect,
)
from analysis.planning.limits import DetectableChange, detectable_change, smallest_change
from analysis.planning.sample_size import (
    SampleSize,
    achievable_margin,
    size_for_domain,
    size_for_mean,
    size_for_share,
    size_for_share_logodds,
    size_for_share_wilson,
)
from analysis.planning.simulation import AnswerModel, StreetForecast, forecast_streets
from analysis.planning.two_samples import PairSize, size_for_two_means, size_for_two_shares

__all__ = [
    "Allocation",
    "AnswerModel",
    "BethelAllocation",
    "CurvePoint",
    "DesignEffect",
    "DetectableChange",
    "PairSize",
    "PrecisionTarget",
    "SampleSize",
    "StreetForecast",
    "WeightEffect",
    "achievable_margin",
    "allocate_bethel",
    "allocate_by_cost",
    "allocate_by_power",
    "allocate_equal",
    "allocate_neyman",
    "allocate_neyman_take_all",
    "allocate_proportionally",
    "allocate_to_target",
    "budget_take",
    "cluster_design",
    "cluster_design_effect",
    "clusters_for_target",
    "cost_precision_curve",
    "cost_precision_table",
    "detectable_change",
    "fixed_clusters",
    "forecast_streets",
    "icc_anova",
    "optimum_take",
    "precision_reached",
    "size_for_domain",
    "size_for_mean",
    "size_for_share",
    "size_for_share_logodds",
    "size_for_share_wilson",
    "size_for_two_means",
    "size_for_two_shares",
    "smallest_change",
    "standard_error_of_mean",
    "three_stage_design",
    "two_stage_components",
    "weight_design_effect",
    "whole_numbers",
]
