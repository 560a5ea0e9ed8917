"""What changed since the last report, and the figures of all rounds. No database.

An arrow stands only where the document says `claimed`; a difference within its error gets a dash and is never
called equal (docs/result-document.md).
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from scipy.special import stdtrit

from survey.reports import charts, plots
from survey.reports.domains import ALL
from survey.reports.plots import Point
from survey.reports.reading import Link, Reading, no_link
from survey.reports.words import SHARE, beyond_own_error, mode_words

UP, DOWN, FLAT, NONE = "up", "down", "flat", "none"
TESTED = "tested"
LEVEL_TAIL = 0.975


@dataclass(frozen=True)
class ChangeRow:
    """One indicator of a place since the last report. `mark`: up or down (claimed), flat, none."""

    code: str
    name: str
    mark: str
    before: str
    now: str
    difference: str  # +4.1 ± 3.2
    interval: str  # 0.9 到 7.3
    unit: str
    verdict: str
    n_before: str
    n_now: str
    url: str | None
    unsteady: str = ""  # why nothing is claimed although the difference alone would be beyond its error

    @property
    def is_claimed(self) -> bool:
        return self.mark in (UP, DOWN)


@dataclass(frozen=True)
class SameMode:
    """The change among those who answered in one way; claims nothing."""

    mode: str
    before: str
    now: str
    difference: str
    n_before: str
    n_now: str


@dataclass(frozen=True)
class Change:
    """All of a place's changes. `notes`: what must be known before reading them."""

    before: str
    title: str
    rows: list[ChangeRow]
    notes: list[str]
    same_mode: list[SameMode]
    chosen: ChangeRow | None


@dataclass(frozen=True)
class TrendRow:
    """One round of a trend in figures. `broken`: why it is not compared with the present one."""

    name: str
    value: str
    interval: str
    n: str
    broken: str


@dataclass(frozen=True)
class Trend:
    """A figure over rounds."""

    chart: str
    axis_note: str
    rows: list[TrendRow]
    notes: list[str]


def signed(value: float) -> str:
    """A difference with its sign, as printed."""
    text = f"{value:+.1f}"
    return text.replace("-", "−") if float(text) else "0.0"


def change_of(reading: Reading, code: str, key: str, link: Link = no_link) -> Change | None:
    """Every indicator of a place against the last report; None in a study's first report."""
    change = reading.document.get("change")
    if not change:
        return None
    rows = [_row(reading, c, key, change["indicators"].get(c), link(c)) for c in reading.indicators]
    before = change["previous"]["round"]
    return Change(
        before=before,
        title=_title(before, rows),
        rows=sorted(rows, key=lambda row: not row.is_claimed),
        notes=_notes(reading, change, key),
        same_mode=_same_mode(reading, code, key, change["indicators"].get(code)),
        chosen=next((row for row in rows if row.code == code), None),
    )


def _title(before: str, rows: list[ChangeRow]) -> str:
    moved = sum(row.is_claimed for row in rows)
    shaky = sum(bool(row.unsteady) for row in rows)
    rest = sum(row.mark == FLAT for row in rows) - shaky
    if not moved + shaky + rest:
        return _("和%s比：没有一项能比") % before
    if not moved + shaky:
        return _("和%(before)s比：%(rest)d 项的变化都没有超过误差") % {"before": before, "rest": rest}
    parts = [_("%d 项有变化") % moved] if moved else [_("没有说得准的变化")]
    parts += [_("%d 项单看超过误差、还不够稳") % shaky] if shaky else []
    parts += [_("%d 项没有超过误差") % rest] if rest else []
    return _("和%(before)s比：%(parts)s") % {"before": before, "parts": _("，").join(parts)}


def _row(reading: Reading, code: str, key: str, found: dict[str, Any] | None, url: str | None) -> ChangeRow:
    figure = reading.figure(code, key)
    indicator = reading.indicators[code]
    scale = 100.0 if indicator["kind"] == SHARE else 1.0
    status = found["status"] if found else "not_tested"
    earlier = _last(reading, code, key)
    row = found["domains"].get(key) if found and status == TESTED else None
    before = row["before"] if row else earlier["estimate"] if earlier else None
    values: dict[str, Any] = {
        "code": code,
        "name": indicator["name"],
        "before": "—" if before is None else f"{before * scale:.1f}",
        "now": f"{figure.value_text} ± {figure.half_text}" if figure.shown else figure.short,
        "unit": figure.unit,
        "n_before": f"{earlier['n']:,}" if earlier else "—",
        "n_now": figure.n_text if figure.shown else "—",
        "url": url,
    }
    if not row or not figure.shown:
        return ChangeRow(**values, mark=NONE, difference="", interval="", verdict=_why_not(found, status))
    difference, low, high = (row[name] * scale for name in ("difference", "low", "high"))
    mark = FLAT if not row["claimed"] else UP if difference > 0 else DOWN
    flat = _("没超过误差，不能说变了")
    if beyond_own_error(row):
        flat = _("单看超过误差，一起判断还不够稳，先不下结论")
    return ChangeRow(
        **values,
        mark=mark,
        difference=f"{signed(difference)} ± {max(high - difference, difference - low):.1f}",
        interval=_("%(low)s 到 %(high)s") % {"low": signed(low), "high": signed(high)},
        verdict={UP: _("升了"), DOWN: _("降了"), FLAT: flat}[mark],
        unsteady=reading.not_steady if beyond_own_error(row) else "",
    )


def _last(reading: Reading, code: str, key: str) -> dict[str, Any] | None:
    """The last report's figure of a place, whether it compares or not."""
    points = (reading.document.get("trend") or {}).get(code) or []
    return points[-1]["domains"].get(key) if points else None


def _why_not(found: dict[str, Any] | None, status: str) -> str:
    return {
        "not_tested": _("合成的分数不作比较"),
        "wording_changed": _("问法变了，不能比"),
        "rule_changed": _("算法变了，不能比"),
        "absent": _("上一轮没有这一项"),
        TESTED: _("有一轮没有公布数字，不能比"),
    }.get(status, _("不能比"))


def _tested_here(change: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = change["indicators"].values()
    return [entry["domains"][key] for entry in found if key in entry["domains"]]


def _notes(reading: Reading, change: dict[str, Any], key: str) -> list[str]:
    notes = [_("变化超过误差、经得起检验的，才画箭头；其余的画横线，不能说变了，也不能说没变。")]
    if any(beyond_own_error(row) for row in _tested_here(change, key)):
        notes.append(_("比较做得多，总有几项会碰巧超过自己的误差，所以全报告的比较要一起判断。"))
    if change.get("mode_mix_changed"):
        notes.append(
            _("这一轮和上一轮的作答方式比例不同，变化里可能有方式的影响；下面另列同一种方式的变化。")
        )
    shared = change.get("shared_psus")
    if shared:
        notes.append(_("两轮有 %d 个相同的社区，已经计入变化的误差。") % shared)
    return notes


def _same_mode(reading: Reading, code: str, key: str, found: dict[str, Any] | None) -> list[SameMode]:
    scale = 100.0 if reading.indicators[code]["kind"] == SHARE else 1.0
    rows = []
    for mode, places in sorted(((found or {}).get("same_mode") or {}).items()):
        row = places.get(key)
        if row is None or row["se"] is None:
            continue
        half = float(stdtrit(row["df"], LEVEL_TAIL)) * row["se"] * scale if row["df"] > 0 else None
        difference = row["difference"] * scale
        rows.append(
            SameMode(
                mode=mode_words(mode),
                before=f"{row['before'] * scale:.1f}",
                now=f"{row['before'] * scale + difference:.1f}",
                difference=signed(difference) + ("" if half is None else f" ± {half:.1f}"),
                n_before=f"{row['n_before']:,}",
                n_now=f"{row['n']:,}",
            )
        )
    return rows


def trend_of(reading: Reading, code: str, key: str) -> Trend | None:
    """The figure over all rounds; None without an earlier one."""
    found = [
        (entry, entry["domains"][key])
        for entry in (reading.document.get("trend") or {}).get(code) or []
        if key in entry["domains"]
    ]
    if not found:
        return None
    scale = 100.0 if reading.indicators[code]["kind"] == SHARE else 1.0
    points, rows, before = [], [], None
    for entry, cell in found:
        value, low, high = (cell[name] * scale for name in ("estimate", "low", "high"))
        joined = entry["status"] == TESTED and before == TESTED
        points.append(Point(entry["round"], value, low, high, joined, _break(before, entry["status"])))
        why = "" if entry["status"] == TESTED else _status_words(entry["status"])
        rows.append(TrendRow(entry["round"], f"{value:.1f}", f"{low:.1f}–{high:.1f}", f"{cell['n']:,}", why))
        before = entry["status"]
    figure, name = reading.figure(code, key), reading.document["round"]["name"]
    if figure.shown:
        points.append(
            Point(name, figure.value, figure.low, figure.high, before == TESTED, _break(before, TESTED))
        )
        rows.append(TrendRow(name, figure.value_text, figure.interval_text, figure.n_text, ""))
    return _drawn(points, rows, figure.unit)


def _drawn(points: list[Point], rows: list[TrendRow], unit: str) -> Trend:
    lows, highs = [p.low for p in points], [p.high for p in points]
    axis = charts.make_axis([min(lows) - 1], [max(highs) + 1], most_ticks=5)
    notes = [_("浅色带是 95% 区间。")] if any(p.joined for p in points) else [_("竖线是 95% 区间。")]
    broken = {row.broken for row in rows if row.broken}
    notes += [_("线断开的地方：%s，前后不能直接比。") % _("、").join(sorted(broken))] if broken else []
    low = _("纵轴只画 %(low)g 到 %(high)g %(unit)s，不从 0 开始。") % {
        "low": axis.low,
        "high": axis.high,
        "unit": unit,
    }
    return Trend(plots.trend(points, axis), low if axis.is_cut else "", rows, notes)


def _break(before: str | None, status: str) -> str:
    """The words at a break of the line: two rounds join only when both compare with the present one."""
    if before is None or (before == TESTED and status == TESTED):
        return ""
    return _status_words(before if before != TESTED else status)


def _status_words(status: str) -> str:
    return {"wording_changed": _("换了问法"), "rule_changed": _("换了算法")}.get(status, _("不能比"))


def place_of(reading: Reading, key: str, section: dict[str, Any]) -> str | None:
    """Where a section has this place, else the district that it lies in, else the whole; None for nowhere."""
    for place in (key, reading.domains[key]["parent"], ALL):
        if place in section:
            return place
    return None
