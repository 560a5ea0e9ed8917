"""这些数是怎么来的: the methodology, item by item, from what the document holds. No database."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.reports.distribution import in_language
from survey.reports.notices import all_notices
from survey.reports.reading import Reading
from survey.reports.transparency import (
    asking_rows,
    limit_rows,
    quality_rows,
    size_rows,
    who_and_what_rows,
)
from survey.reports.volunteer_words import volunteer_rows
from survey.reports.words import age_words, sex_words
from survey.responses.volunteers import rule_words

STEP_WORDS = {
    "base": gettext_lazy("抽中机会的倒数（社区一级 × 户一级）"),
    "unknown_eligibility": gettext_lazy("情况不明的户，把权数分给同一调整类里情况明确的户"),
    "household_response": gettext_lazy("合格而没有答的户，把权数分给同一调整类里答了的户"),
    "person_selection": gettext_lazy("户内选一人：乘以被选中机会的倒数"),
    "person_response": gettext_lazy("选中的人没有答的，把权数分给同一调整类里答了的人"),
    "trimming": gettext_lazy("过大的权数截到上限，截下的分给其余答卷"),
    "poststratification": gettext_lazy("对齐总体：区县 × 性别 × 年龄"),
    "calibration": gettext_lazy("校准到总体：区县，以及其中的性别、年龄"),
}


def method_rows(reading: Reading) -> list[tuple[str, list[str]]]:
    """(term, paragraphs) in printing order."""
    document = reading.document
    notices = all_notices(document)
    return [
        *([(_("需要说明的"), notices)] if notices else []),
        *who_and_what_rows(document),
        (_("问的是谁"), _population(reading)),
        (_("名录"), _frame(document)),
        (_("怎么抽的"), _design(document)),
        (_("怎么问的"), [*_modes(document), *asking_rows(document)]),
        (_("什么时候"), [_dates(document)]),
        (_("样本多大、多准"), size_rows(reading)),
        (_("回答率"), _rates(document)),
        (_("总体人数"), _margins(document)),
        (_("权数"), _weights(reading)),
        (_("误差"), _errors(document)),
        (_("合并方差"), _pooled(reading)),
        (_("谁高谁低"), _comparing(document)),
        (_("不公布的"), _suppressed(document)),
        (_("不了解"), [_("“不了解”和“跳过这题”单独列出，不进任何得分和比例的分母。")]),
        (_("质量怎么管"), quality_rows(document)),
        (_("局限"), limit_rows(document)),
        *volunteer_rows(reading),
    ]


def _population(reading: Reading) -> list[str]:
    study = reading.document["study"]
    return [
        _("%(population)s。范围：%(scope)s。") % {"population": study["population"], "scope": reading.whole},
        _("只含家庭户里 %d 岁及以上的人；住集体户（宿舍、工棚、养老机构等）的不在内。") % study["min_age"],
    ]


def _frame(document: dict[str, Any]) -> list[str]:
    frame = document["design"]["frame"]
    return [
        _("%(name)s（第 %(number)d 版），%(communities)s 个社区（村）、%(households)s 户。指纹 %(hash)s。")
        % {
            "name": frame["name"],
            "number": frame["number"],
            "communities": f"{frame['communities']:,}",
            "households": f"{frame['households']:,}",
            "hash": frame["hash"][:12],
        }
    ]


def _design(document: dict[str, Any]) -> list[str]:
    design = document["design"]
    return [
        _(
            "两阶段随机抽样：先在 %(strata)d 个层里按户数成比例抽出 %(communities)d 个社区"
            "（其中 %(certain)d 个因为户多必然入选，各自成一层），再在每个社区里等概率抽户，"
            "共 %(households)s 户。每户选一位成年人：自己填的，选生日最近的一位（准随机）；"
            "上门的，在锁定的名单上等概率抽一人。"
        )
        % {
            "strata": design["strata"],
            "communities": design["communities"],
            "certain": design["certainty_communities"],
            "households": f"{design['households']:,}",
        },
        _("抽样结果指纹 %(result)s，抽样前的承诺 %(commitment)s。")
        % {"result": design["result_hash"][:12], "commitment": design["commitment_hash"][:12]},
    ]


def _modes(document: dict[str, Any]) -> list[str]:
    names = {"web": _("寄信扫码自己填"), "door": _("上门访问")}
    modes = document["response"]["modes"]
    total = sum(modes.values())
    shown = _("，").join(f"{names.get(m, m)} {n / total * 100:.0f}%（{n:,}）" for m, n in modes.items())
    rows = [shown + "。"]
    received = document["response"]["volunteers"]
    if received:
        rows.append(_("另有 %s 份自愿参加的答卷，不是抽中的住户，不进任何数字。") % f"{received:,}")
    if document.get("volunteers"):
        rows.append(_("自愿答卷另有单独标明的试验性混合估计，和这里的数字分开。"))
    if received and "volunteers_flagged" in document["response"]:  # older reports did not look
        flagged = document["response"]["volunteers_flagged"]
        rule = rule_words(document["response"]["volunteer_rule"])
        rows.append(
            _("其中点数 %(accepted)s 份，有疑点不点数 %(flagged)s 份。规则：%(rule)s")
            % {"accepted": f"{received - flagged:,}", "flagged": f"{flagged:,}", "rule": rule}
        )
    return rows


def _dates(document: dict[str, Any]) -> str:
    response = document["response"]
    if response["first_on"] == response["last_on"]:
        return _("%s 一天。") % response["first_on"]
    return _("%(first)s 至 %(last)s。") % {"first": response["first_on"], "last": response["last_on"]}


def _rates(document: dict[str, Any]) -> list[str]:
    response = document["response"]
    rates = {k: "—" if v is None else f"{v * 100:.1f}%" for k, v in response["rates"].items()}
    counts = response["outcomes"]
    return [
        _("按 AAPOR 定义：RR1 为 %(rr1)s，RR3 为 %(rr3)s（e = %(e).3f，按情况明确的户里合格的比例估计）。")
        % {"rr1": rates["RR1"], "rr3": rates["RR3"], "e": response["e"]},
        _(
            "%(cases)s 户里：完整 %(I)d，部分 %(P)d，拒访或中断 %(R)d，未接触 %(NC)d，其他合格 %(O)d，"
            "资格不明 %(U)d，不合格 %(NE)d。打开过网页却没有答的，算拒访（2.113）。"
        )
        % {
            "cases": f"{response['cases']:,}",
            **{k: counts[k] for k in ("I", "P", "R", "NC", "O", "NE")},
            "U": counts["UH"] + counts["UO"],
        },
    ]


def _margins(document: dict[str, Any]) -> list[str]:
    names = {entry["key"][:6]: entry["label"] for entry in document["domains"] if entry["kind"] == "district"}
    weights = document["weights"]
    spec = weights["spec"]["margins"]
    rows = [
        _(
            "%(year)d 年人口普查。规则：五岁一组，组内假定每岁人数相等，15–19 岁取 2/5 作 18–19 岁；"
            "集体户按区县的家庭户人口比例，从每个性别年龄格子里同比例去掉（普查没有分年龄的集体户人数；"
            "集体户里年轻人多，所以年轻人会略微多算）。"
        )
        % {"year": spec["source_year"]}
    ]
    for row in weights["margins"]:
        text = _("%(district)s：%(adults)s 人。") % {
            "district": names[row["district"]],
            "adults": f"{row['adults']:,.0f}",
        }
        if spec["population_scale"] != "none":
            text += _("按名录户数缩放：%(frame)s 户 ÷ 普查 %(census)s 户 = %(scale).4f。") % {
                "frame": f"{row['frame_households']:,}",
                "census": f"{row['family_households']:,.0f}",
                "scale": row["scale"],
            }
        rows.append(text)
    return rows


def _weights(reading: Reading) -> list[str]:
    weights = reading.document["weights"]
    spec = weights["spec"]
    rows = [
        _(
            "%(number)d. %(words)s。权数合计 %(sum)s，最大最小相差 %(ratio).1f 倍，"
            "权数不等使有效样本缩小到 1/%(kish).2f。"
        )
        % {
            "number": number,
            "words": STEP_WORDS[step["step"]],
            "sum": f"{step['sum']:,.0f}",
            "ratio": step["largest"] / step["smallest"],
            "kish": step["kish_effect"],
        }
        for number, step in enumerate(weights["steps"], start=1)
    ]
    rows.append(
        _("调整类按街道（镇），答卷不满 %(min)d 份的先和同区县的合并，共 %(n)d 类。")
        % {"min": spec["response_classes"]["min_respondents"], "n": len(weights["classes"])}
    )
    if not spec.get("trimming"):
        rows.append(_("没有截尾。"))
    return rows + _cells(reading)


def _cells(reading: Reading) -> list[str]:
    """Which post-strata were joined, in words; no counts, for a cell may be smaller than the floor."""
    weights = reading.document["weights"]
    post = weights["spec"]["poststratification"]
    names = {d["key"][:6]: d["label"] for d in reading.of_kind("district")}
    joined = [c for c in weights["cells"] if len(c["bands"]) > 1 or c["sex"] == "male+female"]
    rows = [
        _("对齐的格子 %(n)d 个；不满 %(min)d 份的和相邻年龄组合并。")
        % {"n": len(weights["cells"]), "min": post["min_respondents"]}
    ]
    for cell in joined:
        bands = [post["bands"][i] for i in cell["bands"]]
        rows.append(
            _("合并：%(district)s，%(sex)s，%(bands)s。")
            % {
                "district": names[cell["district"]],
                "sex": sex_words(cell["sex"]),
                "bands": age_words(bands[0][0], bands[-1][1]),
            }
        )
    for cell in weights["cells"]:
        if cell["sex"] == "unknown":
            rows.append(_("%s有人没填性别或年龄，单独成格，只对齐区县总数。") % names[cell["district"]])
    return rows


def _errors(document: dict[str, Any]) -> list[str]:
    intervals = _(
        "95% 区间：得分用 t 区间，单题比例用 Korn–Graubard 区间（合并方差的用 Wilson 区间）；"
        "自由度 = 该范围内的抽样单位数 − 层数，写在表里。± 取区间较宽的一侧。"
    )
    errors = document.get("errors", {"method": "taylor"})
    if errors["method"] == "taylor":
        return [
            _(
                "泰勒线性化，计入分层、整群、权数，以及对齐总体后的残差；第一阶段按有放回计算（略偏保守）；"
                "等距抽取的方差是近似值。应答调整按固定处理。"
            ),
            intervals,
        ]
    rows = [
        _(
            "在层内重抽社区 %(replicates)d 次（Rao–Wu 自助法），每次把整个加权过程从头做一遍，"
            "看结果相差多少；第一阶段按有放回计算（略偏保守），等距抽取的方差是近似值。"
        )
        % {"replicates": errors["replicates"]}
    ]
    if errors["ratio_fixed"] is not None:
        rows.append(
            _(
                "如果图省事把权数当作固定的，标准误会是这里的 %(fixed).2f 倍；"
                "泰勒线性化是 %(linear).2f 倍（中位数）。"
            )
            % {"fixed": errors["ratio_fixed"], "linear": errors["ratio_linearised"]}
        )
    return [*rows, intervals]


def _pooled(reading: Reading) -> list[str]:
    keys = reading.document["design"]["pooled_streets"]
    minimum = reading.document["weights"]["spec"]["variance"]["min_psus"]
    if not keys:
        return [_("每个街道（镇）抽到的社区都不少于 %d 个，方差都由自己的样本算出。") % minimum]
    return [
        _(
            "有 %(n)d 个街道（镇）抽到的社区不足 %(min)d 个，单凭自己算不准方差，"
            "改用各街道合并估计的社区内相关：%(names)s。"
        )
        % {"n": len(keys), "min": minimum, "names": _("、").join(reading.domains[k]["label"] for k in keys)}
    ]


def _comparing(document: dict[str, Any]) -> list[str]:
    claims = document.get("claims")
    if claims is None:
        return [
            _(
                "两两比较，差距的 95% 区间不含 0 才算分出先后；计入两者的协方差（合并方差的按独立算）。"
                "没有对比较的次数作修正：比得越多，碰巧“显著”的越多。所以不排名次，只说分得出分不出。"
            )
        ]
    return [
        _(
            "整份报告的 %(tests)s 次检验（和目标比、和全体比、和上一轮比）当作一家，用 Holm 法修正；"
            "区县和街道的名次范围同时成立（Mogstad 等，2024）。整份报告只要有一处说错，"
            "这样的机会合起来不超过 5%%。"
        )
        % {"tests": f"{claims['tests']:,}"},
        _("说“高于”“低于”“上升”“下降”的，都是这样检验过的；其余的差别都可能是碰巧，所以不说。"),
    ]


def _suppressed(document: dict[str, Any]) -> list[str]:
    return [
        _("少于 %d 份的不公布；同一组里只有一个不公布时，份数次少的一个也不公布，免得倒推出来。")
        % document["floor"]
    ]


def indicator_rule(reading: Reading, code: str) -> list[str]:
    """How an indicator is computed, with its points."""
    indicator = reading.indicators[code]
    definition = indicator["definition"]
    items = reading.document["items"]
    rows = [_("指标代码 %(code)s，第 %(version)d 版。") % {"code": code, "version": indicator["version"]}]
    if definition.get("rule"):
        rows.append(definition["rule"].rstrip("。") + "。")
    if indicator["kind"] == "composite":
        return [*rows, *_composite_rule(reading, definition["components"])]
    if indicator["kind"] == "share":
        top = {str(c) for c in definition["top_codes"]}
        rows.append(_("选了下列答案的人占有效回答的比例；多道题的，先在每个人身上取平均。"))
        for item in definition["items"]:
            labels = _labels(items, item["name"])
            rows.append(f"{item['name']}：" + _("、").join(labels.get(c, c) for c in sorted(top)) + "。")
        return rows
    rows.append(_("每个答案折成 0–100 分，先在每个人身上取平均，再加权平均。"))
    for item in definition["items"]:
        labels = _labels(items, item["name"])
        shown = sorted(item["points"].items(), key=lambda kv: -kv[1])
        rows.append(f"{item['name']}：" + _("，").join(f"{labels.get(c, c)} {p:g}" for c, p in shown) + "。")
    if len(definition["items"]) > 1:
        rows.append(_("至少要有 %d 道题有效。") % definition.get("min_valid", 1))
    return rows


def _composite_rule(reading: Reading, components: list[dict[str, Any]]) -> list[str]:
    total = sum(part["weight"] for part in components)
    parts = [
        _("%(name)s占 %(share).0f%%")
        % {"name": _component(reading, part), "share": part["weight"] / total * 100}
        for part in components
    ]
    return [_("由几个分数合成：%s。比例先乘 100 再合。") % _("，").join(parts)]


def _component(reading: Reading, part: dict[str, Any]) -> str:
    if "external" in part:
        return _("“%s”（不是调查得来的分数）") % part.get("name", part["external"])
    found = reading.indicators.get(part["indicator"])
    return found["name"] if found else part["indicator"]


def _labels(items: dict[str, Any], name: str) -> dict[str, str]:
    return {c["code"]: in_language(c["label"]) for c in items.get(name, {"choices": []})["choices"]}
