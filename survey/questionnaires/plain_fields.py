"""One item as a field of a plain HTML form: widget, options, and words where a script would be needed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.answers import Reading
from survey.questionnaires.document import (
    CHOICE_TYPES,
    FILE_TYPES,
    Block,
    Choice,
    Item,
    max_instances,
    score_range,
    text_in,
)
from survey.questionnaires.logic import Run
from survey.questionnaires.ordering import ordered_choices

MISSING_SUFFIX = "__missing"
WIDGETS = {
    "select_one": "radio",
    "select_multiple": "checkbox",
    "ranking": "ranks",
    "scale": "radio",
    "rating": "radio",
    "integer": "number",
    "decimal": "number",
    "date": "date",
    "time": "time",
    "datetime": "datetime-local",
    "region": "text",
    "place": "text",
    "photo": "file",
    "signature": "file",
    "acknowledge": "checkbox",
    "note": "note",
}
# What plain pages themselves say; {0} is a number.
WORDS: dict[str, dict[str, str]] = {
    "how_many": {"zh-hans": "一共要填几组？", "zh-hant": "一共要填幾組？", "en": "How many are there?"},
    "choose_number": {
        "zh-hans": "请选一个数；没有就选 0。",
        "zh-hant": "請選一個數；沒有就選 0。",
        "en": "Please choose a number; 0 when there is none.",
    },
    "place": {
        "zh-hans": "这台手机的浏览器读不了位置。知道经纬度就写在这里，例如 36.67 117.02；不知道，空着就行。",
        "zh-hant": "這台手機的瀏覽器讀不了位置。知道經緯度就寫在這裡，例如 36.67 117.02；不知道，空著就行。",
        "en": "This browser cannot read a position. If you know it, write it here, such as 36.67 117.02; "
        "if not, leave it blank.",
    },
    "place_skip": {
        "zh-hans": "这台手机的浏览器读不了位置。知道经纬度就写在这里，例如 36.67 117.02；不知道，就跳过。",
        "zh-hant": "這台手機的瀏覽器讀不了位置。知道經緯度就寫在這裡，例如 36.67 117.02；不知道，就跳過。",
        "en": "This browser cannot read a position. If you know it, write it here, such as 36.67 117.02; "
        "if not, skip this question.",
    },
    "place_needed": {
        "zh-hans": "这台手机的浏览器读不了位置，而这题一定要有。知道经纬度就写在这里，例如 36.67 117.02；"
        "不知道，请换一台手机打开，或者拨信上的电话。",
        "zh-hant": "這台手機的瀏覽器讀不了位置，而這題一定要有。知道經緯度就寫在這裡，例如 36.67 117.02；"
        "不知道，請換一台手機打開，或者撥信上的電話。",
        "en": "This browser cannot read a position, and this question needs one. If you know it, write it "
        "here, such as 36.67 117.02; if not, use another phone or call the number in the letter.",
    },
    "photo": {
        "zh-hans": "请拍一张，或选一张照片。",
        "zh-hant": "請拍一張，或選一張照片。",
        "en": "Please take a photo, or choose one.",
    },
    "signature": {
        "zh-hans": "这台手机的浏览器写不了签名。请把名字签在纸上，拍一张传上来。",
        "zh-hant": "這台手機的瀏覽器寫不了簽名。請把名字簽在紙上，拍一張傳上來。",
        "en": "This browser cannot take a signature. Please sign on paper and take a photo of it.",
    },
    "received": {
        "zh-hans": "照片已经收到。要换一张，就再选一次。",
        "zh-hant": "照片已經收到。要換一張，就再選一次。",
        "en": "Your photo has arrived. To replace it, choose another.",
    },
    "region": {
        "zh-hans": "请填 12 位区划代码。",
        "zh-hant": "請填 12 位區劃代碼。",
        "en": "Please enter the area's 12-digit code.",
    },
    "rank": {"zh-hans": "第 {0} 位", "zh-hant": "第 {0} 位", "en": "No. {0}"},
    "confirm": {"zh-hans": "我知道了", "zh-hant": "我知道了", "en": "I have read this"},
    "fixed": {"zh-hans": "已经填好：{0}", "zh-hant": "已經填好：{0}", "en": "Already filled in: {0}"},
    "least_most": {
        "zh-hans": "请选 {0} 到 {1} 项。",
        "zh-hant": "請選 {0} 到 {1} 項。",
        "en": "Please choose {0} to {1}.",
    },
}
Regions = Callable[[Item], list[tuple[str, str]]]  # (code, name) of the deepest level below the item's root


@dataclass(frozen=True)
class PlainOption:
    """One radio button or check box; `apart` marks don't-know and skip, drawn in a block of their own."""

    code: str
    label: str
    checked: bool
    apart: bool


@dataclass(frozen=True)
class PlainRank:
    """One place of a ranking: a list from which one option is taken; `label` is 第 1 位."""

    name: str
    label: str
    options: list[PlainOption]


@dataclass(frozen=True)
class PlainField:
    """What a template needs for one item.

    `widget` is radio, checkbox, select, ranks, number, text, textarea, date, time, datetime-local, file,
    note, or none where nothing can be entered. Options go under `name`, except the don't-know options of a
    written answer, which go under `missing_name`. `sentence` says what to do where a plain form falls short;
    `stem` is the question of a matrix, on its first row.
    """

    name: str
    widget: str
    label: str
    hint: str
    value: str
    options: list[PlainOption]
    missing_name: str
    max_length: int | None = None
    error: str = ""
    sentence: str = ""
    stem: str = ""
    ranks: list[PlainRank] = field(default_factory=list)


def say(key: str, language: str, *numbers: Any) -> str:
    """A sentence of WORDS."""
    return WORDS[key].get(language, WORDS[key]["zh-hans"]).format(*numbers)


def make_field(
    run: Run, item: Item, at: int, error: str = "", *, seed: str = "", regions: Regions | None = None
) -> PlainField:
    """The field of one shown item, with what was answered so far."""
    kind, place = item["type"], run.place(item["name"], at)
    widget = WIDGETS.get(kind, "textarea" if item.get("multiline") else "text")
    reading, sentence = run.reading(item["name"], at), ""
    options = _options(run, item, at, reading, seed)
    if item.get("readonly"):
        widget, sentence = "none", say("fixed", run.language, _in_words(run, item, at, reading))
    elif kind in FILE_TYPES:
        arrived = isinstance(reading.value, dict) and not reading.missing
        sentence = say("received" if arrived else kind, run.language)
    elif kind == "place":
        needed = run.required(item, at)
        key = "place_skip" if options else "place_needed" if needed else "place"
        sentence = say(key, run.language)
    elif kind == "region" and regions is not None:
        widget, options = "select", [*_regions(item, reading, regions), *options]
    elif kind == "region":
        sentence = say("region", run.language)
    elif kind == "select_multiple" and ("min_choices" in item or "max_choices" in item):
        sentence = say("least_most", run.language, *run.limits(item["name"], at))
    one_name = widget in ("radio", "checkbox")
    return PlainField(
        name=place,
        widget=widget,
        label=text_in(item.get("label"), run.language, run.document),
        hint=text_in(item.get("hint"), run.language, run.document),
        value=_written(run, item, at, reading),
        options=[option for option in options if not option.apart] if item.get("readonly") else options,
        missing_name=place if one_name else place + MISSING_SUFFIX,
        max_length=item.get("max_length"),
        error=error,
        sentence=sentence,
        stem=_stem(run, item),
        ranks=_ranks(run, item, at, reading, seed) if widget == "ranks" else [],
    )


def how_many(run: Run, block: Block, error: str = "") -> PlainField:
    """The question how many instances of a repeat there are."""
    name, repeat = block["name"], block["repeat"]
    chosen = run.instances(name) if name in run.raw else None
    numbers = range(repeat.get("min", 0), max_instances(block) + 1)
    return PlainField(
        name=name,
        widget="radio",
        label=say("how_many", run.language),
        hint="",
        value="",
        options=[PlainOption(str(number), str(number), number == chosen, False) for number in numbers],
        missing_name=name,
        error=error,
    )


def _written(run: Run, item: Item, at: int, reading: Reading) -> str:
    """The answer as it was typed, so that a mistake can be mended; times in the spelling of browsers."""
    raw = run.given(item["name"], at)
    if reading.missing or raw is None or isinstance(raw, list | dict | bool):
        return ""
    if item["type"] in ("time", "datetime") and reading.value is not None:
        return str(reading.value)
    return str(raw)


def _in_words(run: Run, item: Item, at: int, reading: Reading) -> str:
    """A fixed answer as a person reads it."""
    codes = reading.value if isinstance(reading.value, list) else [reading.value]
    labels = {
        str(choice["code"]): text_in(choice["label"], run.language, run.document)
        for choice in run.offered(item["name"], at)
    }
    return "、".join(labels.get(str(code), str(code)) for code in codes if code is not None)


def _stem(run: Run, item: Item) -> str:
    """The question of a matrix, for the first of its rows that is shown."""
    if "matrix" not in item:
        return ""
    rows = [i["name"] for _block, i in run.index.values() if i.get("matrix") == item["matrix"]]
    if item["name"] != next((name for name in rows if run.shown(name)), rows[0]):
        return ""
    matrix = run.document.get("matrices", {}).get(item["matrix"], {})
    return text_in(matrix.get("label"), run.language, run.document)


def _option(run: Run, choice: Choice, chosen: set[str]) -> PlainOption:
    code = str(choice["code"])
    label = text_in(choice["label"], run.language, run.document)
    return PlainOption(code, label, code in chosen, bool(choice.get("missing")))


def _options(run: Run, item: Item, at: int, reading: Reading, seed: str) -> list[PlainOption]:
    value = reading.value
    chosen = {str(code) for code in (value if isinstance(value, list) else [value])}
    options = []
    if item["type"] in ("scale", "rating"):
        low, high = score_range(item)
        ends = item.get("ends") or {}
        for score in range(low, high + 1):
            end = ends.get("low") if score == low else ends.get("high") if score == high else None
            label = f"{score} {text_in(end, run.language, run.document)}".strip()
            options.append(PlainOption(str(score), label, str(score) in chosen, False))
    if item["type"] == "acknowledge":
        options.append(PlainOption("OK", say("confirm", run.language), value == "OK", False))
    choices = run.offered(item["name"], at)
    if seed and item["type"] in CHOICE_TYPES:
        choices = ordered_choices(run.document, item, seed, choices)
    for choice in choices:
        if item["type"] != "ranking" or choice.get("missing"):
            options.append(_option(run, choice, chosen))
    return options


def _ranks(run: Run, item: Item, at: int, reading: Reading, seed: str) -> list[PlainRank]:
    choices = [choice for choice in run.offered(item["name"], at) if not choice.get("missing")]
    if seed:
        choices = ordered_choices(run.document, item, seed, choices)
    given = run.given(item["name"], at)
    order = [str(code) for code in given] if isinstance(given, list) and not reading.missing else []
    place, last = run.place(item["name"], at), run.limits(item["name"], at)[1]
    return [
        PlainRank(
            f"{place}__{rank}",
            say("rank", run.language, rank),
            [_option(run, choice, set(order[rank - 1 : rank])) for choice in choices],
        )
        for rank in range(1, min(last, len(choices)) + 1)
    ]


def _regions(item: Item, reading: Reading, regions: Regions) -> list[PlainOption]:
    return [PlainOption(code, name, code == reading.value, False) for code, name in regions(item)]
