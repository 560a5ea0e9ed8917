"""The three questions of an official, answered at the top of his place's page. No database.

How satisfied is my street; is that better than last time; what first. Nothing is said that the story
(`survey.reports.story`) could not say.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from survey.reports.changing import DOWN, FLAT, NONE, UP, Change
from survey.reports.priorities import Priorities
from survey.reports.reading import Reading
from survey.reports.words import SHARE, Figure

MOST_NAMED = 3


@dataclass(frozen=True)
class Answer:
    """One question, what is known, and where the page says more. `mark`: up, down, flat or ""."""

    question: str
    mark: str
    strong: str
    text: str
    target: str


def three_answers(
    reading: Reading, key: str, figure: Figure, change: Change | None, priorities: Priorities | None
) -> list[Answer]:
    """Answers in the order in which they are asked; the first is the headline figure itself."""
    place = _place_among(reading, figure, key) if figure.shown else _modelled(reading, figure, key)
    found = (_better(change), _first(priorities), place)
    return [answer for answer in (found if figure.shown else (place, *found[:2])) if answer is not None]


def _better(change: Change | None) -> Answer:
    question = _("比上一轮")
    row = change.chosen if change else None
    if change is None or row is None:
        return Answer(question, "", _("还不能比"), _("这是第一份报告。"), "")
    if row.mark == NONE:
        return Answer(question, "", _("不能比"), row.verdict, "change")
    strong = {UP: _("升了 %s"), DOWN: _("降了 %s"), FLAT: _("说不准 %s")}[row.mark]
    text = {
        UP: _("比%s高，超过误差。"),
        DOWN: _("比%s低，超过误差。"),
        FLAT: _("和%s相比，变化没有超过误差。"),
    }[row.mark]
    said = text % change.before
    if row.unsteady:
        said = _("和%(before)s相比：%(unsteady)s。") % {"before": change.before, "unsteady": row.unsteady}
    return Answer(question, row.mark, strong % row.difference, said, "change")


def _place_among(reading: Reading, figure: Figure, key: str) -> Answer | None:
    found = reading.rank(figure.code, key)
    if found is None:
        return None
    best, worst, total = found
    noun = {"district": _("个区县"), "street": _("个街道（镇）")}[reading.domains[key]["kind"]]
    if best == 1 and worst == total:
        return Answer(
            _("排第几"), "", _("分不出来"), _("共 %(n)d %(noun)s。") % {"n": total, "noun": noun}, "rank"
        )
    strong = (
        _("第 %d") % best if best == worst else _("第 %(best)d–%(worst)d") % {"best": best, "worst": worst}
    )
    return Answer(_("排第几"), "", strong, _("共 %(n)d %(noun)s。") % {"n": total, "noun": noun}, "rank")


def _modelled(reading: Reading, figure: Figure, key: str) -> Answer | None:
    """A hidden figure's stand-in, called what it is."""
    section = (reading.document.get("small_areas") or {}).get(figure.code, {})
    found = section.get("street", {}).get(key)
    if not found:
        return None
    scale = 100.0 if reading.indicators[figure.code]["kind"] == SHARE else 1.0
    value, low, high = (found[name] * scale for name in ("estimate", "low", "high"))
    half = max(high - value, value - low)
    text = _("用模型借周围的答卷推算，不是直接结果，不能排名。")
    return Answer(_("大约多少"), "", f"{value:.1f} ± {half:.1f} {figure.unit}", text, "modelled-community")


def _first(priorities: Priorities | None) -> Answer:
    question = _("先办哪件")
    if priorities is None:
        return Answer(question, "", _("这份报告没有算"), "", "")
    where = "" if priorities.is_own else _("按%s的答卷算。") % priorities.place
    if not priorities.first:
        return Answer(question, "", _("还分不清"), where, "first")
    names = _("、").join(row.name for row in priorities.first[:MOST_NAMED])
    return Answer(question, "", names, where or _("影响大、得分低。"), "first")
