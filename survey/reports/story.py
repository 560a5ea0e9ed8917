"""The report in plain sentences, by rules. No database.

A difference is told only where the document's `claims` has it: those are the tests that hold together at the
report's family-wise level (docs/result-document.md). Where a test says nothing, the sentence says that it
says nothing; it never says that two figures are equal.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from survey.reports.distribution import in_language
from survey.reports.domains import ALL
from survey.reports.reading import Reading
from survey.reports.words import SHARE, Figure, beyond_own_error, shaky_words

FIX_FIRST = "fix_first"
MOST_NAMED = 5  # places or indicators in one sentence; the rest are counted


@dataclass(frozen=True)
class Sentence:
    """One sentence. `kind`: figure, target, against_all, change, rank, drivers, summary; `claims`: it tells a
    difference, which the document's family of claims holds."""

    kind: str
    text: str
    claims: bool = False


def place_story(reading: Reading, code: str, key: str) -> list[Sentence]:
    """One indicator in one place: how much, against the target, the whole, last time, the others, and what
    comes first."""
    figure = reading.figure(code, key)
    label = reading.domains[key]["label"]
    name = reading.indicators[code]["name"]
    if not figure.shown:
        return [
            Sentence(
                "figure",
                _("%(place)s的%(name)s：%(why)s。") % {"place": label, "name": name, "why": figure.reason},
            )
        ]
    found = [
        Sentence(
            "figure",
            _("%(place)s的%(name)s是 %(value)s %(unit)s，误差 ±%(half)s（95%% 的把握，%(n)s 份答卷）。")
            % {
                "place": label,
                "name": name,
                "value": figure.value_text,
                "unit": figure.unit,
                "half": figure.half_text,
                "n": figure.n_text,
            },
        )
    ]
    steps = (_target, _against_all, _change, _rank)
    return [
        *found,
        *(s for step in steps for s in step(reading, code, key, figure)),
        *drivers_story(reading, key),
    ]


def _size(code_kind: str, value: float) -> str:
    """A difference with its unit, without its sign."""
    if code_kind == SHARE:
        return _("%.1f 个百分点") % abs(value * 100)
    return _("%.1f 分") % abs(value)


def _target(reading: Reading, code: str, key: str, figure: Figure) -> list[Sentence]:
    row = (reading.document.get("targets") or {}).get(code, {}).get(key)
    if not row:
        return []
    scale = 100 if reading.indicators[code]["kind"] == SHARE else 1
    words = {
        "above": _("超过了目标（%(target)g %(unit)s）。"),
        "below": _("没有达到目标（%(target)g %(unit)s）。"),
    }.get(row["verdict"] if row["claimed"] else "", _("有没有达到目标（%(target)g %(unit)s），还说不准。"))
    if beyond_own_error(row):
        words = _("和目标（%(target)g %(unit)s）比：%(unsteady)s。")
    values = {"target": row["target"] * scale, "unit": figure.unit, "unsteady": reading.not_steady}
    return [Sentence("target", words % values, row["claimed"])]


def _against_all(reading: Reading, code: str, key: str, figure: Figure) -> list[Sentence]:
    kind = reading.domains[key]["kind"]
    row = reading.comparison(code, kind)["against_all"].get(key) if key != ALL else None
    if not row:
        return []
    if beyond_own_error(row):
        text = _("和%(whole)s的平均相比：%(unsteady)s。")
        return [Sentence("against_all", text % {"whole": reading.whole, "unsteady": reading.not_steady})]
    if not row["differs"]:
        return [Sentence("against_all", _("和%s的平均相比，差距没有超过误差，分不出高低。") % reading.whole)]
    words = (
        _("比%(whole)s的平均高 %(size)s。") if row["difference"] > 0 else _("比%(whole)s的平均低 %(size)s。")
    )
    size = _size(reading.indicators[code]["kind"], row["difference"])
    return [Sentence("against_all", words % {"whole": reading.whole, "size": size}, claims=True)]


def _change(reading: Reading, code: str, key: str, figure: Figure) -> list[Sentence]:
    change = reading.document.get("change")
    found = (change or {}).get("indicators", {}).get(code)
    if not found:
        return []
    before = change["previous"]["round"]
    if found["status"] == "wording_changed":
        return [Sentence("change", _("和%s不能比：问法变了。") % before)]
    if found["status"] == "rule_changed":
        return [Sentence("change", _("和%s不能比：算法变了。") % before)]
    row = found["domains"].get(key) if found["status"] == "tested" else None
    if not row:
        return []
    kind = reading.indicators[code]["kind"]
    if not row["claimed"]:
        text = (
            _("和%(before)s相比，变化 %(size)s：%(unsteady)s。")
            if beyond_own_error(row)
            else _("和%(before)s相比，%(size)s的变化没有超过误差，不能说变了。")
        )
        size = _size(kind, row["difference"])
        values = {"before": before, "size": size, "unsteady": reading.not_steady}
        return [Sentence("change", text % values)]
    scale = 100 if kind == SHARE else 1
    words = (
        _("比%(before)s高了 %(size)s（%(low).1f 到 %(high).1f）。")
        if row["difference"] > 0
        else _("比%(before)s低了 %(size)s（%(low).1f 到 %(high).1f）。")
    )
    low, high = sorted((abs(row["low"] * scale), abs(row["high"] * scale)))
    values = {"before": before, "size": _size(kind, row["difference"]), "low": low, "high": high}
    sentences = [Sentence("change", words % values, claims=True)]
    if change.get("mode_mix_changed"):
        sentences.append(
            Sentence(
                "change", _("两轮网页和上门的比例不同，这里面可能有答法的影响，请看“同一种答法的变化”。")
            )
        )
    return sentences


def _rank(reading: Reading, code: str, key: str, figure: Figure) -> list[Sentence]:
    kind = reading.domains[key]["kind"]
    ranks = (reading.document.get("ranks") or {}).get(code, {}).get(kind)
    if not ranks or key not in ranks["low"]:
        return []
    total = len(ranks["low"])
    best, worst = int(ranks["low"][key]), int(ranks["high"][key])
    noun = {"district": _("个区县"), "street": _("个街道（镇）")}[kind]
    if best == 1 and worst == total:
        return [Sentence("rank", _("在 %(n)d %(noun)s里排第几，分不出来。") % {"n": total, "noun": noun})]
    words = (
        _("在 %(n)d %(noun)s里排第 %(best)d。")
        if best == worst
        else _("在 %(n)d %(noun)s里排第 %(best)d 到第 %(worst)d。")
    )
    return [Sentence("rank", words % {"n": total, "noun": noun, "best": best, "worst": worst}, claims=True)]


def drivers_story(reading: Reading, key: str) -> list[Sentence]:
    """What to fix first: only what surely lies in that quarter. The place's own, else its district's or the
    whole's."""
    drivers = reading.document.get("drivers")
    if not drivers:
        return []
    for place in (key, reading.domains[key]["parent"], ALL):
        found = drivers["domains"].get(place)
        if found and "refused" not in found:
            names = [
                driver_name(reading, d) for d in found["drivers"] if d["sure"] and d["quadrant"] == FIX_FIRST
            ]
            return [_first(reading, place, names)]
    return []


def driver_name(reading: Reading, driver: dict[str, Any]) -> str:
    """The matter that a driver asks about, in the questionnaire's words."""
    from_items = reading.document["items"].get(driver["name"])
    return in_language(from_items["label"]) if from_items else driver["name"]


def _first(reading: Reading, place: str, names: list[str]) -> Sentence:
    label = reading.domains[place]["label"]
    if not names:
        return Sentence("drivers", _("%s：哪件事该先办，这一轮的答卷还分不清。") % label)
    return Sentence(
        "drivers",
        _("%(place)s：先办 %(names)s。它们和总的满意度关系最大，而得分偏低。")
        % {"place": label, "names": _("；").join(f"“{name}”" for name in names)},
        claims=True,
    )


def page_story(reading: Reading, code: str, key: str) -> list[Sentence]:
    """What is said first: the whole report's sentences before those of its whole; a place has its own."""
    found = [*(report_story(reading) if key == ALL else []), *place_story(reading, code, key)]
    return list(dict.fromkeys(found))


def report_story(reading: Reading) -> list[Sentence]:
    """The whole report in a few sentences: what changed, who stands out, what comes first."""
    claims = reading.document.get("claims")
    if not claims:
        return []
    found = [_changes(reading, claims["list"])] if reading.document.get("change") else []
    for kind in ("district", "street"):
        found.append(_standing_out(reading, claims["list"], kind))
    found.append(_targets(reading, claims["list"]))
    sentences = [sentence for sentence in found if sentence is not None]
    return [*sentences, *drivers_story(reading, ALL)]


def _changes(reading: Reading, claimed: list[dict[str, Any]]) -> Sentence | None:
    before = reading.document["change"]["previous"]["round"]
    rows = [row for row in claimed if row["kind"] == "change" and row["domain"] == ALL]
    tested = [
        code
        for code, found in reading.document["change"]["indicators"].items()
        if found["status"] == "tested" and ALL in found["domains"]
    ]
    if not tested:
        return None
    shaky = sum(
        beyond_own_error(reading.document["change"]["indicators"][code]["domains"][ALL]) for code in tested
    )
    if not rows and not shaky:
        text = _("和%(before)s相比，%(whole)s的 %(n)d 项指标，变化都没有超过误差。")
        return Sentence("summary", text % {"before": before, "whole": reading.whole, "n": len(tested)})
    ups = [reading.indicators[row["indicator"]]["name"] for row in rows if row["verdict"] == "above"]
    downs = [reading.indicators[row["indicator"]]["name"] for row in rows if row["verdict"] == "below"]
    parts = [_("上升的：%s") % _named(ups)] if ups else []
    parts += [_("下降的：%s") % _named(downs)] if downs else []
    parts += [shaky_words(shaky)] if shaky else []
    rest = len(tested) - len(rows) - shaky
    parts += [_("其余 %d 项没有超过误差") % rest] if rest else []
    text = _("和%(before)s相比，%(whole)s：%(parts)s。")
    values = {"before": before, "whole": reading.whole, "parts": _("；").join(parts)}
    return Sentence("summary", text % values, claims=bool(rows))


def _standing_out(reading: Reading, claimed: list[dict[str, Any]], kind: str) -> Sentence | None:
    """Places that differ from the whole on the first indicator."""
    code = next(iter(reading.indicators))
    places = {d["key"] for d in reading.of_kind(kind)}
    if len(places) < 2:
        return None
    rows = [
        row
        for row in claimed
        if row["kind"] == "against_all" and row["indicator"] == code and row["domain"] in places
    ]
    noun = {"district": _("区县"), "street": _("街道（镇）")}[kind]
    name = reading.indicators[code]["name"]
    if not rows:
        text = _("%(name)s：没有一个%(noun)s和%(whole)s的平均有说得准的差别。")
        return Sentence("summary", text % {"name": name, "noun": noun, "whole": reading.whole})
    high = [reading.domains[row["domain"]]["label"] for row in rows if row["verdict"] == "above"]
    low = [reading.domains[row["domain"]]["label"] for row in rows if row["verdict"] == "below"]
    parts = [_("高于平均的%(noun)s：%(names)s") % {"noun": noun, "names": _named(high)}] if high else []
    parts += [_("低于平均的%(noun)s：%(names)s") % {"noun": noun, "names": _named(low)}] if low else []
    text = _("%(name)s，%(parts)s；其余的分不出高低。")
    return Sentence("summary", text % {"name": name, "parts": _("；").join(parts)}, claims=True)


def _targets(reading: Reading, claimed: list[dict[str, Any]]) -> Sentence | None:
    tested = [code for code, rows in (reading.document.get("targets") or {}).items() if ALL in rows]
    if not tested:
        return None
    verdicts = {
        row["indicator"]: row["verdict"]
        for row in claimed
        if row["kind"] == "target" and row["domain"] == ALL
    }
    met = [reading.indicators[code]["name"] for code in tested if verdicts.get(code) == "above"]
    missed = [reading.indicators[code]["name"] for code in tested if verdicts.get(code) == "below"]
    parts = [_("超过的：%s") % _named(met)] if met else []
    parts += [_("没有达到的：%s") % _named(missed)] if missed else []
    rest = len(tested) - len(met) - len(missed)
    parts += [_("还说不准的 %d 项") % rest] if rest else []
    return Sentence("summary", _("对照目标，%s。") % _("；").join(parts), claims=bool(met or missed))


def _named(names: list[str]) -> str:
    shown = _("、").join(names[:MOST_NAMED])
    return (
        shown if len(names) <= MOST_NAMED else _("%(names)s等 %(n)d 个") % {"names": shown, "n": len(names)}
    )
