"""What a page says of the weights: how they came about, what they repaired, what they cost. No database.

Officials read shares and factors over all answers. Counts of classes and cells, which may be smaller than the
floor, are the team's.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from survey.reports import charts, weight_plots
from survey.reports.charts import Axis
from survey.reports.domains import ALL, region_key
from survey.reports.method import STEP_WORDS
from survey.reports.reading import Reading
from survey.reports.words import SHARE, age_words, sex_words

LIMIT_OF_AXIS = 100.0  # what `charts.make_axis` draws
LITTLE = 0.03  # a shortcut this near to the recipe's error is said to be near
HIDDEN_BASE = ("masked", "small", "complement")  # reasons that hide how many answered, older documents' too
EXACT = 0.0005  # a margin that is met, as printed


@dataclass(frozen=True)
class StepRow:
    """One step. Factors as printed; `chart` is relative to the step's own median."""

    number: int
    words: str
    factors: list[str]  # smallest, quartiles, largest; empty in older documents
    total: str
    effect: str
    effective: str
    chart: str


@dataclass(frozen=True)
class MarginRow:
    """One category of the population, in per cent of its margin."""

    label: str
    heading: str
    before: str
    after: str
    population: str
    gap: str
    chart: str


@dataclass(frozen=True)
class ErrorRow:
    """One headline figure: its error by the whole recipe, and by shortcuts."""

    name: str
    value: str
    unit: str
    recipe: str
    fixed: str
    linear: str
    ratio: str
    n: str


def weights_context(reading: Reading) -> dict[str, Any]:
    """Everything of the page that officials may read."""
    weights = reading.document["weights"]
    found = weights.get("diagnostics") or {}
    steps, axis = _steps(weights, found)
    margins, share_axis = _margins(reading, found)
    rows = _errors(reading)
    histogram = found.get("histogram")
    return {
        "summary": _summary(reading, found, margins),
        "steps": steps,
        "step_axis": charts.axis_row(axis) if axis else "",
        "margins": margins,
        "margin_axis": charts.axis_row(share_axis) if share_axis else "",
        "errors": rows,
        "error_words": _error_words(reading, rows),
        "histogram": weight_plots.histogram(histogram["edges"], histogram["counts"], found["mean"])
        if histogram
        else "",
        "diagnostics": found,
    }


def team_context(reading: Reading) -> dict[str, Any]:
    """What only the team reads: adjustment classes and cells with their counts."""
    weights = reading.document["weights"]
    bands = weights["spec"]["poststratification"]["bands"]
    names = {d["key"][:6]: d["label"] for d in reading.of_kind("district")}
    return {
        "classes": [
            {
                "label": _class_label(reading, row["class"]),
                "n": row["responded"],
                "factors": [f"{row[f'{name}_factor']:.3f}" for name in ("unknown", "response", "person")],
            }
            for row in weights["classes"]
        ],
        "cells": [
            {
                "label": _cell_label(names, bands, cell),
                "n": cell["n"],
                "factor": f"{cell['factor']:.3f}",
            }
            for cell in weights["cells"]
        ],
    }


def _class_label(reading: Reading, name: str) -> str:
    entry = reading.domains.get(region_key(name)) if name.isdigit() else None
    return entry["label"] if entry else name


def _cell_label(names: dict[str, str], bands: list[Any], cell: dict[str, Any]) -> str:
    place = names.get(cell["district"], cell["district"])
    if cell["sex"] == "unknown":
        return _("%s，没填性别或年龄") % place
    first, last = bands[cell["bands"][0]][0], bands[cell["bands"][-1]][1]
    return f"{place}，{sex_words(cell['sex'])}，{age_words(first, last)}"


def _steps(weights: dict[str, Any], found: dict[str, Any]) -> tuple[list[StepRow], Axis | None]:
    spreads = {row["step"]: row for row in found.get("steps", [])}
    relative = {step: _relative(row) for step, row in spreads.items()}
    axis = None
    if relative:
        most = max(max(row) for row in relative.values())
        axis = charts.make_axis([0.0], [min(most, LIMIT_OF_AXIS)])
    rows = []
    for number, step in enumerate(weights["steps"], start=1):
        row = spreads.get(step["step"])
        rows.append(
            StepRow(
                number=number,
                words=str(STEP_WORDS[step["step"]]),
                factors=[_number(value) for value in _values(row)] if row else [],
                total=f"{step['sum']:,.0f}",
                effect=f"{step['kish_effect']:.2f}",
                effective=f"{100 / step['kish_effect']:.0f}%",
                chart=weight_plots.spread(axis, relative[step["step"]]) if row and axis else "",
            )
        )
    return rows, axis


def _values(row: dict[str, Any]) -> list[float]:
    return [row[name] for name in ("minimum", "q1", "median", "q3", "maximum")]


def _relative(row: dict[str, Any]) -> list[float]:
    middle = row["median"] or 1.0
    return [value / middle for value in _values(row)]


def _number(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.3f}"


def _margins(reading: Reading, found: dict[str, Any]) -> tuple[list[MarginRow], Axis | None]:
    rows = found.get("margins", [])
    # One district is the whole: its share says nothing.
    rows = [row for row in rows if sum(r["margin"] == row["margin"] for r in rows) > 1]
    if not rows:
        return [], None
    shares = [row[name] * 100 for row in rows for name in ("before", "after")]
    axis = charts.make_axis([0.0], [max(shares)])
    withheld = _withheld(reading, rows)
    heads = {"district": _("区县"), "sex": _("性别"), "age": _("年龄")}
    return [
        MarginRow(
            label=_level(reading, row),
            heading=heads[row["margin"]],
            before="—" if row["margin"] in withheld else f"{row['before'] * 100:.1f}%",
            after=f"{row['after'] * 100:.1f}%",
            population=f"{row['population'] * 100:.1f}%",
            gap=_points(row["after"] - row["population"]),
            chart=weight_plots.moved(
                axis, None if row["margin"] in withheld else row["before"] * 100, row["after"] * 100
            ),
        )
        for row in rows
    ], axis


def _withheld(reading: Reading, rows: list[dict[str, Any]]) -> set[str]:
    """Margins with a category whose base no indicator prints.

    Before the calibration the weights of a self-weighting design are nearly equal: shares of them are counts,
    and those of its siblings would give away the hidden one's. Where one indicator prints a base, the masks
    of the others reckon with a reader who knows how many answered (`masks`, decision 22).
    """
    found = set()
    for row in rows:
        key = region_key(row["level"]) if row["margin"] == "district" else f"{row['margin']}:{row['level']}"
        cells = [figures.get(key) or {} for figures in reading.document["estimates"].values()]
        if cells and all(cell.get("suppressed") in HIDDEN_BASE for cell in cells):
            found.add(row["margin"])
    return found


def _points(value: float) -> str:
    text = f"{value * 100:+.1f}"
    return text.replace("-", "−") if float(text) else "0.0"


def _level(reading: Reading, row: dict[str, Any]) -> str:
    if row["margin"] == "sex":
        return sex_words(row["level"])
    if row["margin"] == "age":
        bands = reading.document["weights"]["spec"]["poststratification"]["bands"]
        return age_words(*bands[int(row["level"])])
    entry = reading.domains.get(region_key(row["level"]))
    return entry["label"] if entry else row["level"]


def _errors(reading: Reading) -> list[ErrorRow]:
    """Headline figures whose error was made by the recipe; shortcuts beside it."""
    rows = []
    for code, indicator in reading.indicators.items():
        cell = reading.document["estimates"][code].get(ALL) or {}
        figure = reading.figure(code, ALL)
        if not figure.shown or cell.get("se_fixed") is None or not cell["se"]:
            continue
        scale = 100.0 if indicator["kind"] == SHARE else 1.0
        linear = cell.get("se_linearised")
        rows.append(
            ErrorRow(
                name=indicator["name"],
                value=figure.value_text,
                unit=figure.unit,
                recipe=f"{cell['se'] * scale:.2f}",
                fixed=f"{cell['se_fixed'] * scale:.2f}",
                linear="—" if linear is None else f"{linear * scale:.2f}",
                ratio=f"{cell['se_fixed'] / cell['se']:.2f}",
                n=figure.n_text,
            )
        )
    return rows


def _error_words(reading: Reading, rows: list[ErrorRow]) -> str:
    errors = reading.document.get("errors") or {}
    if not rows:
        return _("这份报告的误差没有用重抽整个加权过程的办法，所以没有可以对照的捷径。")
    ratio = errors.get("ratio_fixed")
    if ratio is None:
        return ""
    if abs(ratio - 1) < LITTLE:
        text = _("把权数当作固定的，标准误中位数是整套重抽的 %.2f 倍：这一次差得不多，别的调查不一定。")
    elif ratio >= 1:
        text = _("把权数当作固定的，标准误中位数是整套重抽的 %.2f 倍：捷径把误差算大了。")
    else:
        text = _("把权数当作固定的，标准误中位数是整套重抽的 %.2f 倍：捷径把误差算小了。")
    return text % ratio


def _summary(reading: Reading, found: dict[str, Any], margins: list[MarginRow]) -> list[str]:
    """Plain sentences, the first things first."""
    if not found:
        return [_("这份报告出得早，没有存下权数的分布；下面只有每一步的合计。")]
    rows = [
        _(
            "%(n)s 份答卷代表 %(people)s 位成年人：平均一份代表 %(mean)s 人，"
            "少的 %(least)s 人，多的 %(most)s 人。"
        )
        % {
            "n": f"{found['n']:,}",
            "people": f"{reading.document['weights']['sum']:,.0f}",
            "mean": f"{found['mean']:,.0f}",
            "least": f"{found['minimum']:,.0f}",
            "most": f"{found['maximum']:,.0f}",
        },
        _(
            "代表的人数有多有少，要付出精度：按权数算，%(n)s 份的精度相当于 %(effective)s 份"
            "（Kish 的权数设计效应 1 + 变异系数² = %(effect).2f）。"
        )
        % {
            "n": f"{found['n']:,}",
            "effective": f"{found['n_effective']:,.0f}",
            "effect": found["kish_effect"],
        },
    ]
    if "n_trimmed" in found:
        cut = found["n_trimmed"]
        rows.append(
            _("有 %s 份答卷的权数截到了上限，截下的分给了其余答卷。") % f"{cut:,}"
            if cut
            else _("没有一份答卷的权数被截短。")
        )
    return rows + _largest_gaps(found, margins, reading)


def _largest_gaps(found: dict[str, Any], margins: list[MarginRow], reading: Reading) -> list[str]:
    rows = found.get("margins", [])
    if not margins:
        return []
    left = max(abs(row["after"] - row["population"]) for row in rows)
    withheld = _withheld(reading, rows)
    told = [row for row in rows if row["margin"] not in withheld]
    if not told:
        return [_("对齐人口普查以后，各类最多还差 %.1f 个百分点。") % (left * 100)]
    worst = max(told, key=lambda row: abs(row["before"] - row["population"]))
    text = [
        _(
            "对齐人口普查以前，差得最多的是%(level)s：答卷里占 %(before).1f%%，普查里占 %(population).1f%%；"
            "对齐以后，各类最多还差 %(left).1f 个百分点。"
        )
        % {
            "level": _level(reading, worst),
            "before": worst["before"] * 100,
            "population": worst["population"] * 100,
            "left": left * 100,
        }
    ]
    return text + ([_("还差的，是因为人少的格子先和相邻的合并，再一起对齐。")] if left >= EXACT else [])


def passport_rows(factors: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One response's steps: factor, weight so far, and what the step left of all weights."""
    rows, weight = [], 1.0
    for number, row in enumerate(factors, start=1):
        weight *= row["factor"]
        rows.append(
            {
                "number": str(number),
                "words": str(STEP_WORDS[row["step"]]),
                "factor": f"{row['factor']:,.4f}",
                "weight": f"{weight:,.2f}",
                # Runs of the first release kept neither.
                "total": f"{row['total']:,.0f}" if "total" in row else "—",
                "effect": f"{row['effect']:.3f}" if "effect" in row else "—",
            }
        )
    return rows
