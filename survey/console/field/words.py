"""Doubts, classes and verdicts in plain words. A doubt is a claim with its evidence, never a conclusion."""

from typing import Any

from django.utils.translation import gettext as _

from survey.console.figures import flag_name
from survey.responses.models import Flag

CLASSES = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")


def class_name(code: str) -> str:
    """An AAPOR class."""
    return {
        "I": _("完成访问"),
        "P": _("只答了一部分"),
        "R": _("拒访或中断"),
        "NC": _("没联系上"),
        "O": _("病重、语言等原因"),
        "UH": _("还不知道有没有人住"),
        "UO": _("不知道有没有合格的人"),
        "NE": _("空置、商铺、已拆"),
    }[code]


def verdict_name(verdict: str) -> str:
    """What came out of a doubt."""
    return {
        "explained": _("查过，有合理的解释"),
        "confirmed": _("查过，确有问题"),
        "unclear": _("查过，说不清"),
    }.get(verdict, verdict)


def kind_claim(kind: str, n: int) -> str:
    """What an interviewer's interviews have in common."""
    claims = {
        "fast": _("%(n)s 份答得特别快"),
        "uneven": _("%(n)s 份比他自己平时快一半"),
        "flat": _("%(n)s 份整组题答成一个样"),
        "unsure": _("%(n)s 份“不了解”特别多"),
        "same_answers": _("%(n)s 份和他别的答卷几乎一样"),
        "typical": _("%(n)s 份和平均答案近得出奇"),
        "rushed": _("%(n)s 份和上一份之间走不过来"),
        "far": _("%(n)s 份的定位离社区太远"),
        "phone": _("%(n)s 户留了同一个电话"),
        "photo": _("%(n)s 张门牌照片重复"),
        "visit_photo": _("上门时拍的 %(n)s 张门牌照片和别的户一样"),
        "alone": _("%(n)s 户登记成只有一个成年人"),
        "first_visit": _("%(n)s 户一次上门就访成"),
        "misfit": _("%(n)s 份的年龄或性别和名单对不上"),
        "backcheck": _("%(n)s 户回访时说法不一样"),
    }
    return claims.get(kind, "%(n)s") % {"n": n}


def claim(flag: Flag) -> str:
    """The doubt in one sentence."""
    subject = getattr(flag, "subject", None)
    if subject is not None and subject.interviewer is not None:
        return _("访员 %(who)s：%(what)s") % {
            "who": subject.interviewer,
            "what": kind_claim(flag.kind, flag.evidence.get("n", 0)),
        }
    if flag.kind == "interviewer_effect":
        return _("%(n)s 道题的答案因访员而异，超过了偶然") % {"n": flag.evidence.get("n", 0)}
    return flag_name(flag.kind)


def evidence_lines(flag: Flag) -> list[str]:
    """What the claim rests on: base, what is usual, the interval, the chance."""
    found = flag.evidence
    if flag.kind == "interviewer_effect":
        lines = [
            _("%(item)s：占组内差异的 %(share)s（F 检验 p = %(p)s，%(n)s 份）")
            % {"item": one["item"], "share": f"{one['share']:.1%}", "p": f"{one['p']:.2g}", "n": one["n"]}
            for one in found.get("items", [])[:5]
        ]
        return [*lines, _("只比同一社区里的几位访员，社区之间的差别已经去掉")]
    if flag.kind == "visit_photo":
        lines = [
            _("%(case)s 号户和 %(other)s 号户：64 位指纹只差 %(bits)s 位") % one
            for one in found.get("pictures", [])
        ]
        return [_("他上门一共拍了 %(n)s 张") % {"n": found.get("taken", 0)}, *lines]
    if "of" not in found:
        return []
    lines = [
        _("%(of)s 份里有 %(n)s 份，%(share)s（95%% 区间 %(low)s–%(high)s）；别的访员平均 %(usual)s")
        % {
            "of": found["of"],
            "n": found["n"],
            "share": _percent(found["n"] / found["of"]),
            "low": _percent(found.get("low")),
            "high": _percent(found.get("high")),
            "usual": _percent(found.get("usual")),
        }
    ]
    if found.get("beyond_chance"):
        lines.append(_("超过了偶然：每 20 个没有问题的项目，最多 1 个会误报"))
    else:
        lines.append(_("没有超过偶然，只是把证据列出来"))
    return lines


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def interview_words(one: dict[str, Any]) -> str:
    """One interview's own figures."""
    parts = {
        "minutes": _("%(v)s 分钟"),
        "pace": _("是全队中位速度的 %(v)s 倍时间"),
        "pace_own": _("是他自己中位的 %(v)s 倍时间"),
        "flat_blocks": _("%(v)s 组题一个样"),
        "same_share": _("%(v)s 的题一样"),
        "gap_s": _("离上一份只隔 %(v)s 秒"),
        "way_m": _("两处相距 %(v)s 米"),
        "distance_m": _("离社区中心 %(v)s 米"),
        "reach_m": _("别人一般不超过 %(v)s 米"),
        "phone_times": _("这个号码出现在 %(v)s 户"),
        "photo_bits": _("64 位指纹只差 %(v)s 位"),
        "years_off": _("年龄差 %(v)s 岁"),
    }
    shares = ("same_share", "unsure_share")
    told = []
    for name, text in parts.items():
        if name in one:
            value = one[name]
            shown = f"{value:.0%}" if name in shares else f"{value:g}"
            told.append(text % {"v": shown})
    return "，".join(told)
