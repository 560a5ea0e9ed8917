"""A document as somebody reads it: figures, rows and charts of one indicator in one place. No database."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from survey.reports import charts, plots, words
from survey.reports.charts import PAGE, Axis, Pen
from survey.reports.domains import ALL
from survey.reports.words import Figure, make_figure

INDICATOR_ROW = 28  # px

Link = Callable[[str], str | None]


def no_link(key: str) -> str | None:
    """For paper: nothing leads anywhere."""
    return None


@dataclass(frozen=True)
class Scope:
    """What a file goes into in detail. `place`: the reader's own, or the whole; `allowed`: his regions."""

    place: str
    allowed: Collection[str]


@dataclass(frozen=True)
class Row:
    """One line of a league or of a list of groups."""

    key: str
    label: str
    within: str
    figure: Figure
    chart: str
    emphasis: str  # own, tie or ""
    url: str | None
    rank: str = ""  # 2–7: the places that it may hold
    rank_chart: str = ""


@dataclass(frozen=True)
class League:
    """Sorted rows over one axis. Ties are tinted; there are no ordinals."""

    kind: str
    title: str
    rows: list[Row]
    hidden: list[Row]  # suppressed: named below the table, without a place in the order
    axis_chart: str
    axis: Axis
    note: str
    legend: list[tuple[str, str]]  # (emphasis, words)
    has_truth: bool
    n_pooled: int
    n_ranked: int = 0  # units among which ranks are given; 0 without ranks

    @property
    def hidden_by_reason(self) -> list[tuple[str, list[Row]]]:
        """Suppressed rows under the short words that say why."""
        found: dict[str, list[Row]] = {}
        for row in self.hidden:
            found.setdefault(row.figure.short, []).append(row)
        return list(found.items())


class Reading:
    """Looks figures up in a document. `floor` and names come from the document itself."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._found_ties: dict[tuple[str, str], dict[str, list[str]]] = {}
        self.domains = {entry["key"]: entry | self._in_language(entry) for entry in document["domains"]}
        self.indicators = {entry["code"]: entry for entry in document["indicators"]}

    def _in_language(self, entry: dict[str, str]) -> dict[str, str]:
        """Labels that are words, not names, in the reader's language; the document keeps Chinese."""
        kind, _colon, value = entry["key"].partition(":")
        if kind == "sex":
            return {"label": words.sex_words(value)}
        if kind == "age":
            bands = self.document["weights"]["spec"]["poststratification"]["bands"]
            return {"label": words.age_words(*bands[int(value)])}
        return {}

    @cached_property
    def whole(self) -> str:
        """Name of the whole scope."""
        return self.domains[ALL]["label"]

    @property
    def floor(self) -> int:
        return self.document["floor"]

    @property
    def has_truth(self) -> bool:
        return bool(self.document["truth"])

    @cached_property
    def not_steady(self) -> str:
        """What is said of a difference beyond its own error that the report may not claim."""
        return words.not_steady(self.document)

    def of_kind(self, kind: str, parent: str | None = None) -> list[dict[str, Any]]:
        """Domains of a kind, in the document's order."""
        return [d for d in self.domains.values() if d["kind"] == kind and parent in (None, d["parent"])]

    def figure(self, code: str, key: str) -> Figure:
        """One printed figure."""
        truth = (self.document["truth"] or {}).get(code, {}).get(key)
        cell = self.document["estimates"][code].get(key)
        return make_figure(self.indicators[code], key, cell, truth, self.floor)

    def comparison(self, code: str, kind: str) -> dict[str, Any]:
        """Ties, tests against the whole and the typical margin of a kind of domain."""
        found = self.document["comparisons"].get(code, {}).get(kind)
        empty = {"ties": {}, "against_all": {}, "median_margin": None}
        if not found or "ties" in found:  # documents before rank sets list the ties themselves
            return found or empty
        return found | {"ties": self._ties(code, kind)}

    def rank(self, code: str, key: str) -> tuple[int, int, int] | None:
        """(best, worst, of how many) that a unit may hold, all units of its kind at once; None without."""
        kind = self.domains[key]["kind"]
        found = (self.document.get("ranks") or {}).get(code, {}).get(kind)
        if not found or key not in found["low"]:
            return None
        return int(found["low"][key]), int(found["high"][key]), len(found["low"])

    def _ties(self, code: str, kind: str) -> dict[str, list[str]]:
        """{unit: those of its league that cannot be told apart from it}."""
        if (code, kind) not in self._found_ties:
            apart = self.document["comparisons"][code][kind]["apart"]
            units = list(apart)
            self._found_ties[code, kind] = {
                unit: [other for other in units if other != unit and other not in set(apart[unit])]
                for unit in units
            }
        return self._found_ties[code, kind]


def regions_of(reading: Reading) -> list[str]:
    """Codes of every district, street and community that the document names."""
    entries = [*reading.domains.values(), *(reading.document.get("communities") or [])]
    return [entry["key"] for entry in entries if entry["key"].isdigit()]


def hero(reading: Reading, code: str, key: str, pen: Pen = PAGE) -> dict[str, Any]:
    """The headline of a place: figure, sentence, strip."""
    domain = reading.domains[key]
    figure = reading.figure(code, key)
    whole = reading.figure(code, ALL)
    against = reading.comparison(code, domain["kind"])["against_all"].get(key) if key != ALL else None
    mean = whole.value if key != ALL and whole.shown else None
    chart, axis = "", None
    if figure.shown:
        known = [v for v in (mean, figure.truth) if v is not None]
        axis = _roomy(figure, known)
        chart = charts.strip(
            axis,
            estimate=figure.value,
            low=figure.low,
            high=figure.high,
            interval_text=figure.interval_text,
            mean=mean,
            mean_text=_("平均 %.1f") % mean if mean is not None else "",
            truth=figure.truth,
            pen=pen,
        )
    return {
        "domain": domain,
        "indicator": reading.indicators[code],
        "figure": figure,
        "sentence": words.headline(figure, domain["label"]) if figure.shown else "",
        "against": words.against(against, reading.whole, reading.not_steady) if figure.shown else "",
        "truth": words.truth_words(figure) if figure.shown else "",
        "axis_note": words.axis_words(axis.low, axis.high, figure.unit) if axis else "",
        "chart": chart,
    }


def _roomy(figure: Figure, others: list[float]) -> Axis:
    """An axis that gives the interval air on both sides: about five times its length."""
    spare = max(figure.high - figure.low, 2.0) * 2
    lows, highs = [figure.low - spare, *others], [figure.high + spare, *others]
    return charts.make_axis([max(v, 0.0) for v in lows], [min(v, 100.0) for v in highs])


def indicator_rows(
    reading: Reading, key: str, link: Link = no_link, pen: Pen = PAGE, height: int = INDICATOR_ROW
) -> list[dict[str, Any]]:
    """All indicators of one place, each on the full scale of 0–100 so that they can be read together."""
    axis = Axis(0.0, 100.0, (0.0, 25.0, 50.0, 75.0, 100.0))
    rows = []
    for code, indicator in reading.indicators.items():
        figure = reading.figure(code, key)
        rows.append(
            {
                "indicator": indicator,
                "figure": figure,
                "url": link(code),
                "chart": _chart(axis, replace(figure, truth=None), None, "", pen, height),
            }
        )
    return rows


def league(
    reading: Reading,
    code: str,
    kind: str,
    *,
    own: str | None = None,
    parent: str | None = None,
    link: Link = no_link,
    pen: Pen = PAGE,
    row_height: int = charts.ROW,
) -> League:
    """Districts or streets sorted by their figure.

    own : the reader's unit; what cannot be told from it is tinted. Without one, what cannot be told from the
        average is.
    """
    members = reading.of_kind(kind, parent)
    figures = {d["key"]: reading.figure(code, d["key"]) for d in members}
    shown = [d for d in members if figures[d["key"]].shown]
    shown.sort(key=lambda d: (-figures[d["key"]].value, d["key"]))
    whole = reading.figure(code, ALL)
    mean = whole.value if whole.shown else None
    axis = charts.make_axis(
        [f.low for f in figures.values() if f.shown], [f.high for f in figures.values() if f.shown]
    )
    comparison = reading.comparison(code, kind)
    own = own if own in figures and figures[own].shown else None
    rows = []
    for domain in [*shown, *(d for d in members if d not in shown)]:
        figure = figures[domain["key"]]
        emphasis = _emphasis(comparison, domain["key"], own) if figure.shown else ""
        chart = _chart(axis, figure, mean, emphasis, pen, row_height)
        within = reading.domains[domain["parent"]]["label"] if kind == "street" else ""
        row = Row(domain["key"], domain["label"], within, figure, chart, emphasis, link(domain["key"]))
        rows.append(_ranked(row, reading.rank(code, domain["key"]), row_height))
    ranked = next((r for r in (reading.rank(code, d["key"]) for d in shown) if r), None)
    return League(
        kind=kind,
        title=_league_title(reading, comparison, kind, own, shown),
        rows=[row for row in rows if row.figure.shown],
        hidden=[row for row in rows if not row.figure.shown],
        axis_chart=charts.axis_row(
            axis, mean=mean, mean_text=_("平均 %.1f") % mean if mean is not None else "", pen=pen
        ),
        axis=axis,
        note=words.sentences(
            _("横线是 95% 区间。浅底的分不出高低，应当看作并列，所以不写名次。")
            if is_tested(comparison)
            else _("横线是 95% 区间。这里没有作检验，按数字先后排，不能据此说谁高谁低。"),
            _("名次范围同时成立：各自的真实名次都在自己的范围里，这话错的机会不到 5%。") if ranked else "",
            words.axis_words(axis.low, axis.high, whole.unit),
            _margin_note(comparison, reading.indicators[code]),
        ),
        legend=_legend(reading, own) if is_tested(comparison) else [],
        has_truth=any(f.truth is not None for f in figures.values()),
        n_pooled=sum(f.pooled for f in figures.values()),
        n_ranked=ranked[2] if ranked else 0,
    )


def _ranked(row: Row, rank: tuple[int, int, int] | None, height: int) -> Row:
    if rank is None or not row.figure.shown:
        return row
    best, worst, total = rank
    text = str(best) if best == worst else f"{best}–{worst}"
    return replace(row, rank=text, rank_chart=plots.rank_bar(best, worst, total, height))


def group_rows(reading: Reading, code: str, pen: Pen = PAGE, row_height: int = charts.ROW) -> League:
    """Sexes and age groups over one axis, in their own order."""
    members = [*reading.of_kind("sex"), *reading.of_kind("age")]
    figures = {d["key"]: reading.figure(code, d["key"]) for d in members}
    whole = reading.figure(code, ALL)
    mean = whole.value if whole.shown else None
    axis = charts.make_axis(
        [f.low for f in figures.values() if f.shown], [f.high for f in figures.values() if f.shown]
    )
    rows = []
    for domain in members:
        against = reading.comparison(code, domain["kind"])["against_all"].get(domain["key"])
        figure = figures[domain["key"]]
        emphasis = "tie" if figure.shown and against and not against["differs"] else ""
        chart = _chart(axis, figure, mean, emphasis, pen, row_height)
        rows.append(Row(domain["key"], domain["label"], domain["kind"], figure, chart, emphasis, None))
    differing = sum(1 for row in rows if row.figure.shown and row.emphasis == "")
    title = (
        _("按性别和年龄：没有一组和平均有说得准的差别")
        if not differing
        else _("按性别和年龄：有 %d 组和平均有真差别") % differing
    )
    return League(
        kind="group",
        title=title,
        rows=[row for row in rows if row.figure.shown],
        hidden=[row for row in rows if not row.figure.shown],
        axis_chart=charts.axis_row(
            axis, mean=mean, mean_text=_("平均 %.1f") % mean if mean is not None else "", pen=pen
        ),
        axis=axis,
        note=words.sentences(
            _("横线是 95% 区间。浅底的和平均分不出高低：差别由全报告一起的检验判断，不看区间碰不碰平均线。"),
            words.axis_words(axis.low, axis.high, whole.unit),
        ),
        legend=_legend(reading, None),
        has_truth=False,
        n_pooled=0,
    )


def is_tested(comparison: dict[str, Any]) -> bool:
    """Whether anything of a league was tested: of composites, and of a single unit, nothing is."""
    return bool(comparison["against_all"] or comparison["ties"])


def _emphasis(comparison: dict[str, Any], key: str, own: str | None) -> str:
    if own is not None:
        return "own" if key == own else "tie" if key in comparison["ties"].get(own, []) else ""
    against = comparison["against_all"].get(key)
    return "tie" if against and not against["differs"] else ""


def _chart(
    axis: Axis, figure: Figure, mean: float | None, emphasis: str, pen: Pen, height: int = charts.ROW
) -> str:
    if not figure.shown:
        return charts.empty_row(axis, mean=mean, pen=pen, height=height)
    return charts.whisker(
        axis,
        estimate=figure.value,
        low=figure.low,
        high=figure.high,
        mean=mean,
        truth=figure.truth,
        emphasis=emphasis,
        pen=pen,
        height=height,
    )


def _league_title(
    reading: Reading, comparison: dict[str, Any], kind: str, own: str | None, shown: list[dict[str, Any]]
) -> str:
    noun = {"street": _("街道（镇）"), "district": _("区县")}[kind]
    if shown and not is_tested(comparison):
        return _("%(n)d 个%(noun)s的分数，没有检验谁高谁低") % {"n": len(shown), "noun": noun}
    if own is not None and len(shown) > 1:
        keys = {d["key"] for d in shown}
        tied = [k for k in comparison["ties"].get(own, []) if k in keys]
        if not tied:
            return _("%(own)s和其余%(noun)s的差距都超过了误差") % {
                "own": reading.domains[own]["label"],
                "noun": noun,
            }
        return _("有 %(n)d 个%(noun)s，和%(own)s分不出先后") % {
            "n": len(tied),
            "noun": noun,
            "own": reading.domains[own]["label"],
        }
    differing = sum(1 for d in shown if comparison["against_all"].get(d["key"], {}).get("differs", False))
    return words.spread(differing, len(shown), noun)


def _legend(reading: Reading, own: str | None) -> list[tuple[str, str]]:
    if own is None:
        return [("tie", _("浅底：和平均分不出高低"))]
    label = reading.domains[own]["label"]
    return [("own", label), ("tie", _("浅底：和%s分不出先后") % label)]


def _margin_note(comparison: dict[str, Any], indicator: dict[str, Any]) -> str:
    margin = comparison.get("median_margin")
    if margin is None:
        return ""
    if indicator["kind"] == words.SHARE:
        return _("两两之间，一般相差 %.1f 个百分点以上才分得出先后。") % (margin * 100)
    return _("两两之间，一般相差 %.1f 分以上才分得出先后。") % margin
