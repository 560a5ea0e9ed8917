"""What stands beside the direct figures: model-based ones, open answers, modes, targets. No database."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from survey.reports.changing import place_of
from survey.reports.reading import Reading
from survey.reports.words import SHARE, Figure, in_language, mode_words
from survey.stats.small_areas import LEAST_AREAS, TOO_FEW_AREAS


@dataclass(frozen=True)
class Modelled:
    """One model-based figure."""

    label: str
    value: str
    half: str
    interval: str
    own: str


@dataclass(frozen=True)
class ModelledTable:
    """Model-based figures of one kind of place; `refused` says why there are none."""

    kind: str
    title: str
    unit: str
    rows: list[Modelled]
    refused: str


@dataclass(frozen=True)
class Theme:
    """A theme of open answers."""

    label: str
    share: str
    interval: str
    n: str
    width: int  # of 100


@dataclass(frozen=True)
class ThemeTable:
    """Themes of one open item."""

    item: str
    place: str
    texts: str
    coded: str
    rows: list[Theme]


def target_words(reading: Reading, code: str, key: str) -> tuple[str, str]:
    """(目标 80 分, verdict); empty without a target."""
    indicator = reading.indicators[code]
    row = ((reading.document.get("targets") or {}).get(code) or {}).get(key)
    target = row["target"] if row else indicator["target"]
    if target is None:
        return "", ""
    is_share = indicator["kind"] == SHARE
    shown = target * 100 if is_share else target
    text = (_("目标 %g%%") if is_share else _("目标 %g 分")) % shown
    if not row:
        return text, ""
    verdict = row["verdict"] if row["claimed"] else "unsure"
    return text, {"above": _("超过了"), "below": _("没有达到"), "unsure": _("还说不准")}[verdict]


def modelled_tables(reading: Reading, code: str, key: str, allowed: Collection[str]) -> list[ModelledTable]:
    """Model-based figures under a place: streets of the whole or a district, communities of a street.

    allowed : regions inside the reader's grant; only these appear.
    """
    found = (reading.document.get("small_areas") or {}).get(code)
    if not found:
        return []
    kind = "community" if reading.domains[key]["kind"] == "street" else "street"
    names = {entry["key"]: entry for entry in (*reading.domains.values(), *_communities(reading))}
    mine = [
        (names[place], figure)
        for place, figure in found[kind].items()
        if place in names and place in allowed and _is_under(reading, names[place], key)
    ]
    if kind == "community" and key in found["street"] and key in allowed:
        mine.insert(0, (names[key], found["street"][key]))
    title = {"community": _("社区（村）的推算值"), "street": _("街道（镇）的推算值")}[kind]
    if not mine:
        why = _why_none(reading, found, key) if kind == "community" and key in allowed else ""
        return [ModelledTable(kind, title, "", [], why)] if why else []
    unit = "%" if reading.indicators[code]["kind"] == SHARE else _("分")
    scale = 100.0 if reading.indicators[code]["kind"] == SHARE else 1.0
    return [ModelledTable(kind, title, unit, [_modelled(e["label"], f, scale) for e, f in mine], "")]


def _why_none(reading: Reading, found: dict[str, Any], key: str) -> str:
    """Why a street's page has no figures of its communities."""
    if reading.document.get("communities_withheld"):
        return _(
            "现在还不显示。抽中了哪些社区，收卷结束、抽样证书公布以前是秘密，免得有人提前打招呼；"
            "证书公布以后，这里列出本街道有答卷的社区。"
        )
    refused = found.get("refused", {}).get("community", "")
    if refused == TOO_FEW_AREAS:
        return _("有答卷的社区不到 %d 个，模型没有东西可借，没有推算。") % LEAST_AREAS
    if refused:
        return _("模型没有算出来，没有推算值。")
    return _("本街道没有一个社区的答卷够用来推算。")


def _communities(reading: Reading) -> list[dict[str, Any]]:
    return reading.document.get("communities") or []


def _is_under(reading: Reading, entry: dict[str, Any], key: str) -> bool:
    return reading.domains[key]["kind"] == "all" or entry["parent"] == key


def _modelled(label: str, figure: dict[str, Any], scale: float) -> Modelled:
    value, low, high = (figure[name] * scale for name in ("estimate", "low", "high"))
    return Modelled(
        label=label,
        value=f"{value:.1f}",
        half=f"± {max(high - value, value - low):.1f}",
        interval=f"{low:.1f}–{high:.1f}",
        own=f"{figure['own'] * 100:.0f}%",
    )


def theme_tables(reading: Reading, key: str) -> list[ThemeTable]:
    """Themes of each open item in a place, or in what it belongs to."""
    tables = []
    for item, found in (reading.document.get("themes") or {}).items():
        places = {place: True for theme in found["themes"] for place in theme["domains"]}
        place = place_of(reading, key, places)
        if place is None:
            continue
        rows = [
            _theme(theme["label"], theme["domains"][place])
            for theme in found["themes"]
            if place in theme["domains"]
        ]
        wording = reading.document["items"].get(item)
        tables.append(
            ThemeTable(
                item=in_language(wording["label"]) if wording else _("开放题 %s") % item,
                place=reading.domains[place]["label"],
                texts=f"{found['texts']:,}",
                coded=f"{found['coded']:,}",
                rows=rows,
            )
        )
    return tables


def _theme(label: str, cell: dict[str, Any]) -> Theme:
    return Theme(
        label=label,
        share=f"{cell['share'] * 100:.0f}%",
        interval=f"{cell['low'] * 100:.0f}–{cell['high'] * 100:.0f}%",
        n=f"{cell['n']:,}",
        width=round(cell["share"] * 100),
    )


def mode_sentence(reading: Reading, key: str) -> str:
    """How the answers of a place came in, weighted; "" where that is not known or not published."""
    mix = ((reading.document.get("modes") or {}).get("mix") or {}).get(key)
    if not mix:
        return ""
    parts = _("，").join(f"{mode_words(mode)} {share * 100:.0f}%" for mode, share in sorted(mix.items()))
    return _("%(place)s的答卷（加权）：%(parts)s。") % {
        "place": reading.domains[key]["label"],
        "parts": parts,
    }


def covers_words(reading: Reading, code: str, key: str, figure: Figure) -> str:
    """What the interval of a composite leaves out."""
    cell = reading.document["estimates"][code].get(key) or {}
    if not figure.shown or "covers" not in cell:
        return ""
    components = reading.indicators[code]["definition"].get("components", [])
    names = {
        part["external"]: part.get("name", part["external"]) for part in components if "external" in part
    }
    given = _("，").join(f"{names.get(name, name)} {value:.1f}" for name, value in cell["external"].items())
    if cell["covers"] == "survey":
        return _("合成了别的分数（%s）。误差只算了调查的部分，别的分数当作没有误差。") % given
    return _("合成了别的分数（%s），它们的误差也算在内。") % given
