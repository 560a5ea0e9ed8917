"""What a reader must know before trusting a figure, in words, each with what was done. No database."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from survey.reports.words import age_words, sex_words


def notice(code: str, **facts: Any) -> dict[str, Any]:
    """One notice as the document keeps it."""
    return {"code": code, **facts}


def notice_words(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """One notice of a document as a sentence; an unknown code says that much."""
    speak = SENTENCES.get(entry["code"])
    return speak(document, entry) if speak else _("另有一条说明（%s）。") % entry["code"]


def all_notices(document: Mapping[str, Any]) -> list[str]:
    """Every notice of a document in words."""
    return [notice_words(document, entry) for entry in document.get("notices", [])]


def _indicator(document: Mapping[str, Any], code: str) -> str:
    return {row["code"]: row["name"] for row in document["indicators"]}.get(code, code)


def _domain(document: Mapping[str, Any], key: str) -> str:
    return {row["key"]: row["label"] for row in document["domains"]}.get(key, key)


def _wording_changed(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("“%(name)s”用到的题 %(items)s 和上一轮问法不同，两轮不能比，没有作变化的检验。") % {
        "name": _indicator(document, entry["indicator"]),
        "items": _("、").join(entry["items"]),
    }


def _rule_changed(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("“%s”换了算法（新版本），和上一轮不能比，没有作变化的检验。") % _indicator(
        document, entry["indicator"]
    )


def _region_split(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    if not entry["from"]:
        return _("%s上一轮不在范围内，没有可比的数。") % _domain(document, entry["domain"])
    return _("%(name)s由%(old)s调整而来，边界不同，不和上一轮比。") % {
        "name": _domain(document, entry["domain"]),
        "old": _("、").join(entry["from"]),
    }


def _margin_empty(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    bands = document["weights"]["spec"]["poststratification"]["bands"]
    return _("%(district)s%(sex)s%(age)s没有一份答卷，和相邻年龄合并后再对齐人口。") % {
        "district": _domain(document, entry["district"].ljust(12, "0")),
        "sex": sex_words(entry["sex"]),
        "age": age_words(*bands[entry["band"]]),
    }


def _district_empty(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("%s没有一份答卷，全部数字都不代表那里。") % _domain(document, entry["district"].ljust(12, "0"))


def _no_valid_base(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("“%s”没有一份有效的回答，没有数字。") % _indicator(document, entry["indicator"])


def _no_bootstrap(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    why = {
        "lonely_psu": _("有的层里只有一个抽样单位"),
        "failed": _("重抽时常有对齐格子空出来"),
        "size": _("答卷太多，这台机器算不了"),
    }[entry["reason"]]
    return _("误差没有用重抽整个加权过程的办法（%s），改用泰勒线性化：应答调整按固定处理。") % why


def _mode_mix(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("这一轮和上一轮的作答方式比例不同，变化里可能有方式的影响；另列同一方式之间的变化。")


def _no_previous_sample(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("上一轮的数据快照不在了，两轮共有的社区没有计入变化的误差，误差可能偏大。")


def _no_external(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("合成指标“%(name)s”缺 %(score)s 的分数，缺的地方不给数。") % {
        "name": _indicator(document, entry["indicator"]),
        "score": entry["score"],
    }


def _trimmed(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _("有 %(n)d 份答卷的权数被截到上限，截下的分给了其余答卷，总体边际仍然对得上。") % {
        "n": entry["count"]
    }


SENTENCES = {
    "wording_changed": _wording_changed,
    "rule_changed": _rule_changed,
    "region_split": _region_split,
    "margin_empty": _margin_empty,
    "district_empty": _district_empty,
    "no_valid_base": _no_valid_base,
    "no_bootstrap": _no_bootstrap,
    "mode_mix": _mode_mix,
    "no_previous_sample": _no_previous_sample,
    "no_external": _no_external,
    "trimmed": _trimmed,
}
