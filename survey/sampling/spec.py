"""A design's specification as people give it, checked and completed. Pure but for the error's words."""

from typing import Any

from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.sampling.planning import MIN_PSUS
from survey.stats.selection import ALGORITHM, ORDERS, Takes

KEYS = {
    "algorithm",
    "stages",
    "strata",
    "n_psus",
    "allocation",
    "min_psus_per_stratum",
    "reserve_replicates",
    "reserve_take",
    "exclude",
    "notes",
}


def complete_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with every default written out, in the form that is stored and hashed.

    Parameters
    ----------
    spec : {"algorithm": "two-stage-pps-1", "stages": [{"unit": "psu", "method": "pps_systematic", "order":
        "random" | "fixed"}, {"unit": "household", "method": "srs", "take": 22}], "n_psus": number of PSUs in
        all, or {street code: number} ("allocation" is another name for the latter),
        "min_psus_per_stratum": 2, "reserve_replicates": 0, "reserve_take": households of a PSU in each
        reserve replicate (a quarter of the take unless given), "exclude": [{"code", "reason"}]}.

    Raises
    ------
    Problem common.invalid : what is wrong.
    """
    if not isinstance(spec, dict):
        raise _invalid(_("设计应是一个对象（JSON）"))
    if unknown := sorted(spec.keys() - KEYS):
        raise _invalid(_("设计里有看不懂的项：{keys}").format(keys="、".join(unknown)))
    if spec.get("algorithm", ALGORITHM) != ALGORITHM:
        raise _invalid(_("抽样算法只有 {algorithm}").format(algorithm=ALGORITHM))
    first, second = _stages(spec)
    take = _whole(second, "take", 1, None)
    n_reserves = _whole(spec, "reserve_replicates", 0, 0)
    allocation = spec.get("allocation") or (spec["n_psus"] if isinstance(spec.get("n_psus"), dict) else None)
    done = {
        "algorithm": ALGORITHM,
        "stages": [
            {"unit": "psu", "method": "pps_systematic", "order": first.get("order", "random")},
            {"unit": "household", "method": "srs", "take": take},
        ],
        "strata": "street",
        "min_psus_per_stratum": _whole(spec, "min_psus_per_stratum", MIN_PSUS, MIN_PSUS),
        "reserve_replicates": n_reserves,
        "reserve_take": _whole(spec, "reserve_take", 1, max(1, take // 4)) if n_reserves else 0,
        "exclude": [_exclusion(item) for item in spec.get("exclude", [])],
        "notes": str(spec.get("notes", "")),
    }
    if done["stages"][0]["order"] not in ORDERS:
        raise _invalid(_("抽样单位的次序只有 {orders}").format(orders="、".join(ORDERS)))
    if spec.get("strata", "street") != "street":
        raise _invalid(_("分层只有按街道（street）一种"))
    if allocation is None:
        return {**done, "n_psus": _whole(spec, "n_psus", 1, None)}
    if not isinstance(allocation, dict):
        raise _invalid(_("各街道的分配应是“街道代码：个数”"))
    return {**done, "allocation": {code: _whole(allocation, code, 1, None) for code in sorted(allocation)}}


def _stages(spec: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    stages = spec.get("stages")
    if not isinstance(stages, list) or len(stages) != 2 or not all(isinstance(s, dict) for s in stages):
        raise _invalid(_("设计要有两个阶段：先抽社区，再抽住户"))
    first, second = stages
    if (first.get("unit"), first.get("method")) != ("psu", "pps_systematic"):
        raise _invalid(_("第一阶段是按规模成比例的系统抽样（unit: psu，method: pps_systematic）"))
    if (second.get("unit"), second.get("method")) != ("household", "srs"):
        raise _invalid(_("第二阶段是简单随机抽样（unit: household，method: srs）"))
    return first, second


def _whole(values: dict[str, Any], key: str, least: int, default: int | None) -> int:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _invalid(_("{key} 应是不小于 {least} 的整数").format(key=key, least=least))
    return value


def _exclusion(item: Any) -> dict[str, str]:
    if not isinstance(item, dict) or not item.get("code") or not item.get("reason"):
        raise _invalid(_("排除的区域要写明代码和理由"))
    return {"code": str(item["code"]), "reason": str(item["reason"])}


def _invalid(reason: str) -> Problem:
    return Problem("common.invalid", reason=reason)


def takes_of(spec: dict[str, Any]) -> Takes:
    """The takes of a completed specification."""
    psus, households = spec["stages"]
    return Takes(households["take"], spec["reserve_take"], spec["reserve_replicates"], psus["order"])
