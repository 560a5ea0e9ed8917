"""The items that ship with Minyi: 61 of our own wording on satisfaction, awareness, participation and safety.

`data/item_bank.json` names for each item its topic, the index it feeds, the scale, the missing answers, the
scoring and what it follows (CGSS, national safety survey, city assessments). The middle of the agreement
scale is 说不上同意不同意, not 说不清: a don't-know never counts as the middle. Pure.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from survey.questionnaires.document import DONT_KNOW, REFUSED, Choice, Item
from survey.questionnaires.translating import traditional

PATH = Path(__file__).with_name("data") / "item_bank.json"

# Scales that run from best to worst: the best option has the highest code, as everywhere in Minyi.
ORDERED = ("S5", "S3", "F4", "F5", "H5", "SUP5", "K4", "FR4", "CH5", "AG5", "OF4")
ORDERED_ITEMS = ("P03", "U02", "H04", "A04", "A05", "B01", "B02", "B03")
NUMBER, SCORE, OPEN = "整数", "N11", "开放题"
SKIP = {"zh-hans": "跳过这题", "zh-hant": "跳過這題", "en": "Skip this question"}
REFUSED_WORDS = ("拒答",)
INTERVIEWER_TOPIC = "访员记录"
LINEAR_POINTS = "linear"  # equal steps from 100 down to 0: 100/75/50/25/0, 100/66.7/33.3/0


@dataclass(frozen=True)
class BankEntry:
    """One shipped item. `texts` by language, as far as they were written by hand."""

    code: str
    topic: str
    index: str
    texts: dict[str, str]
    scale: str
    options: tuple[str, ...]
    missing: tuple[str, ...]
    scoring: str
    source: str
    words: str = field(default="", repr=False)  # what the search looks at


@lru_cache(maxsize=1)
def entries() -> tuple[BankEntry, ...]:
    """All entries in the order of the file."""
    raw = json.loads(PATH.read_text(encoding="utf-8"))
    return tuple(_entry(row) for row in raw["items"])


def _entry(row: dict[str, Any]) -> BankEntry:
    texts = {"zh-hans": row["text_zh_hans"], "zh-hant": row["text_zh_hant"], "en": row["text_en"]}
    texts = {language: text for language, text in texts.items() if text}
    fields = (row["id"], row["dimension"], row["index"], *texts.values(), *row["options"], row["source"])
    return BankEntry(
        code=row["id"],
        topic=row["dimension"],
        index=row["index"],
        texts=texts,
        scale=row["scale"],
        options=tuple(row["options"]),
        missing=tuple(row["missing"]),
        scoring=row["scoring"],
        source=row["source"],
        words=" ".join(fields).lower(),
    )


def search(words: str = "", topic: str = "") -> list[BankEntry]:
    """Entries with all these words (in any text, topic, index or source) of one topic."""
    wanted = words.lower().split()
    return [
        entry
        for entry in entries()
        if (not topic or entry.topic == topic) and all(word in entry.words for word in wanted)
    ]


def topics() -> list[str]:
    """Topics in the order of the file."""
    return list(dict.fromkeys(entry.topic for entry in entries()))


def to_item(entry: BankEntry, languages: list[str]) -> tuple[Item, dict[str, list[Choice]]]:
    """The entry as an item of a questionnaire in these languages, and the lists it needs.

    Traditional texts that nobody wrote are converted (a proposal); an English text that is missing stays
    missing, so that the translation page lists it.
    """
    item: Item = {"name": entry.code, "type": _type(entry), "label": _texts(entry.texts, languages)}
    if entry.topic:
        item["topic"] = entry.topic
    if entry.index != "screen":
        item["index"] = entry.index[:60]
    lists: dict[str, list[Choice]] = {}
    if item["type"] in ("select_one", "select_multiple"):
        item["list"] = entry.scale.lower() if entry.scale in ORDERED or entry.scale == "YN" else entry.code
        lists[item["list"]] = _choices(entry, languages)
        if item["type"] == "select_one" and "score5" in entry.scoring:
            item["scoring"] = {"rule": LINEAR_POINTS, "points": _points(entry, lists[item["list"]])}
    if item["type"] == "scale":
        item |= {"from": 0, "to": 10, "ends": _ends(languages)}
        item["scoring"] = {"rule": LINEAR_POINTS, "points": {str(n): n * 10 for n in range(11)}}
    if item["type"] == "text":
        item |= {"multiline": True, "max_length": 200}
    if entry.topic == INTERVIEWER_TOPIC:
        item["modes"] = ["door"]
    if entry.missing:
        item["missing"] = f"missing_{entry.code}"
        lists[item["missing"]] = _missing(entry, languages)
        item["required"] = True
    return item, lists


def _type(entry: BankEntry) -> str:
    plain = {NUMBER: "integer", SCORE: "scale", OPEN: "text"}
    if entry.scale in plain:
        return plain[entry.scale]
    return "select_multiple" if "可多选" in entry.texts["zh-hans"] else "select_one"


def _texts(texts: dict[str, str], languages: list[str]) -> dict[str, str]:
    found = {language: texts[language] for language in languages if texts.get(language)}
    if "zh-hant" in languages and "zh-hant" not in found:
        found["zh-hant"] = traditional(texts["zh-hans"])
    return found


def _choices(entry: BankEntry, languages: list[str]) -> list[Choice]:
    count = len(entry.options)
    falling = entry.scale in ORDERED or entry.code in ORDERED_ITEMS
    choices: list[Choice] = []
    for place, option in enumerate(entry.options):
        choice: Choice = {
            "code": count - place if falling else place + 1,
            "label": _texts({"zh-hans": option}, languages),
        }
        if option.startswith("其他") and "说明" in option:
            choice["specify"] = True
        choices.append(choice)
    return choices


def _points(entry: BankEntry, choices: list[Choice]) -> dict[str, float]:
    """Equal steps from 100 for the first option to 0 for the last; reversed where the first is the worst."""
    steps = len(choices) - 1
    points = [100 * (steps - place) / steps for place in range(steps + 1)]
    if "反向" in entry.scoring:
        points.reverse()
    whole = [int(value) if value.is_integer() else value for value in points]
    return {str(choice["code"]): value for choice, value in zip(choices, whole, strict=True)}


def _ends(languages: list[str]) -> dict[str, dict[str, str]]:
    low = {"zh-hans": "很不满意", "zh-hant": "很不滿意", "en": "Very dissatisfied"}
    high = {"zh-hans": "非常满意", "zh-hant": "非常滿意", "en": "Very satisfied"}
    return {
        "low": {language: low[language] for language in languages},
        "high": {language: high[language] for language in languages},
    }


def _missing(entry: BankEntry, languages: list[str]) -> list[Choice]:
    choices: list[Choice] = []
    for word in entry.missing:
        if word in REFUSED_WORDS:
            label = {language: SKIP[language] for language in languages}
            choices.append({"code": REFUSED, "label": label, "missing": "refused"})
        elif not any(choice["code"] == DONT_KNOW for choice in choices):
            label = _texts({"zh-hans": word}, languages)
            choices.append({"code": DONT_KNOW, "label": label, "missing": "dont_know"})
    return choices
