"""Advice on how questions are put: what methodologists would stop at. Advice never blocks publishing. Pure.

Each piece of advice is a code with values; the console says it in words with its reason and source
(docs/questionnaire-advice.md). Real Chinese forms gave the cases: an item that mixes awareness with
satisfaction, the safety scale of 2002 with three good levels of five, forms without 不了解. General rules
follow Krosnick & Presser (2010), "Question and Questionnaire Design", Handbook of Survey Research: one thing
per question, balanced options, no agree/disagree, no presumption. The limits on length come from the type
sizes of the resident's page (question 26 px, option 21 px, on 390 px).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.document import (
    CHOICE_TYPES,
    MODES,
    Document,
    Item,
    items_of,
    missing_choices,
    substantive_choices,
    text_in,
    total_seconds,
)

QUESTION_LENGTH = 40  # characters: three lines of the page
OPTION_LENGTH = 28  # two lines
MOST_OPTIONS = 12  # more do not fit on two screens of a phone
MOST_SECONDS = 8 * 60
OPINION_TYPES = ("select_one", "scale", "rating")


@dataclass(frozen=True)
class Advice:
    """`code` is a key of the console's table of advice; `item` is "" for the whole questionnaire."""

    code: str
    item: str = ""
    part: str = ""
    values: dict[str, Any] = field(default_factory=dict)


# ---- two things in one question ------------------------------------------------------------------------

JOINED = re.compile(r"以及|和|与|及|并")
# The characters of a joining word inside another word, and pairs that are one thing.
NOT_JOINING = re.compile(
    r"和平|和谐|和睦|和气|和蔼|和解|和好|温和|缓和|暖和|柔和|饱和|总和|共和|附和|平和|祥和|调和|"
    r"参与|与否|给予|赋予|与时俱进|与众不同|与人为善|与其|"
    r"及时|及格|普及|涉及|顾及|危及|波及|提及|遍及|触及|来得及|以及其他|及以上|及以下|"
    r"并不|并非|并没|合并|一并|并列|并存|并且没|"
    r"与[^，。？]{0,12}相比|和[^，。？]{0,12}相比|"
    r"您和(?:您的)?(?:家人|家里人|邻居)|老人和(?:孩子|小孩)|水和电|吃和住|衣食住行|"
    r"自尊自信|爱国敬业|人和事|亲戚和朋友|新老|大大小小"
)
JUDGED = r"满意|同意|支持|赞成|认可|放心|方便|公平|信任|清楚|了解|知道|重要|需要|愿意|担心"
# 您对 A 和 B (的 C) 满意吗：the two objects in front of the judgement.
OBJECT = re.compile(
    rf"(?P<head>.*?(?:对|认为|觉得))(?P<first>[^，。？、]+?)(?:以及|和|与|及|并)(?P<second>[^，。？]+?)"
    rf"(?P<tail>(?:是否|都|感到|比较|表示)?(?:{JUDGED}).*)"
)
TWO_JUDGEMENTS = re.compile(
    rf"(?:{JUDGED})[^，。？]{{0,4}}(?:并且|而且|并|且|和)[^，。？]{{0,8}}(?:{JUDGED})"
)


def two_things(label: str) -> tuple[str, str] | None:
    """The two parts of a double-barrelled question; ("", "") where it cannot be cut; None if single."""
    shielded = NOT_JOINING.sub(lambda match: "〇" * len(match[0]), label)
    if TWO_JUDGEMENTS.search(shielded):
        return "", ""
    if not JOINED.search(shielded) or not re.search(JUDGED, shielded):
        return None
    found = OBJECT.fullmatch(shielded)
    if not found:
        return None
    return label[found.start("first") : found.end("first")], label[
        found.start("second") : found.end("second")
    ]


def halves(label: str) -> tuple[str, str] | None:
    """The question as two questions, where it can be cut: proposals that the author looks over."""
    shielded = NOT_JOINING.sub(lambda match: "〇" * len(match[0]), label)
    found = None if TWO_JUDGEMENTS.search(shielded) else OBJECT.fullmatch(shielded)
    if not found:
        return None
    head, tail = label[: found.end("head")], label[found.start("tail") :]
    parts = (label[found.start(part) : found.end(part)] for part in ("first", "second"))
    first, second = (f"{head}{part.strip()}{tail}" for part in parts)
    return first, second


# ---- questions that lead -------------------------------------------------------------------------------

LEADING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("presses", re.compile(r"难道|是不是应该|不应该吗|岂不|您也(?:认为|觉得|同意)|您一定|想必|吧[？?]?$")),
    ("crowd", re.compile(
        r"大家都|人人都|众所周知|专家(?:认为|建议|指出)|多数人(?:认为|觉得|同意)|广大(?:市民|群众|居民)"
    )),
    ("praises", re.compile(
        r"显著成效|巨大成就|卓有成效|丰硕成果|明显改善了|大力推进|积极推进|越来越好|"
        r"不断(?:改善|提高|完善|提升)|得到了实惠"
    )),
    ("agrees", re.compile(r"您(?:是否)?(?:同意|赞成)吗|是否同意|同不同意")),
)  # fmt: skip
DOUBLE_NEGATIVE = re.compile(r"(?:不|没有|未)[^，。？/、不]{0,6}(?:不(?!了解|知道|清楚|同)|没有|未)")
NOT_DOUBLE = re.compile(r"是不是|有没有|会不会|能不能|要不要|好不好|对不对|行不行|不得不|不少|不错|不同|不仅")


def leading(label: str) -> tuple[str, str] | None:
    """(kind, the words that lead), or None."""
    for kind, pattern in LEADING:
        found = pattern.search(label.rstrip("。 "))
        if found:
            return kind, found[0]
    return None


# ---- scales --------------------------------------------------------------------------------------------

STEM = re.compile(
    r"满意|支持|同意|赞成|安全|幸福|愿意|信心|信任|方便|公平|放心|认可|担心|(?:变|很|较|非常|比较)?[好差]|反对"
)
NEGATIVE = re.compile(r"不(?!了解|知道|清楚|好说)|没|反对|差|难|糟")
NEUTRAL = re.compile(r"一般|无所谓|说不清|说不上|中立|差不多|没有变化|没变化|看情况|谈不上|不好说|普通|中等")
FREQUENCY = re.compile(r"经常|有时|偶尔|从未|从不|总是|每次|多数|少数|几乎|每[天周月]|一次|知道|了解|大部分")


def sides(labels: list[str]) -> tuple[int, int] | None:
    """(good, bad) options of a scale that judges; None when the options are no such scale."""
    judged = [label for label in labels if STEM.search(label) and not NEUTRAL.search(label)]
    if len(labels) < 3 or len(judged) < 3 or any(FREQUENCY.search(label) for label in labels):
        return None
    if len(judged) < len([label for label in labels if not NEUTRAL.search(label)]):
        return None
    bad = sum(1 for label in judged if NEGATIVE.search(label))
    return len(judged) - bad, bad


# ---- all of it -----------------------------------------------------------------------------------------


def advise(document: Document) -> list[Advice]:
    """Advice on the whole questionnaire, then item by item in its order."""
    found = [
        Advice("too_long", values={"mode": mode, "seconds": total_seconds(document, mode)})
        for mode in MODES
        if total_seconds(document, mode) > MOST_SECONDS
    ]
    for item in items_of(document):
        found += list(_of_item(document, item))
    return found


def advise_item(document: Document, item: Item) -> list[Advice]:
    """Advice on one item."""
    return list(_of_item(document, item))


def _of_item(document: Document, item: Item) -> Iterator[Advice]:
    name, label = item["name"], text_in(item.get("label"), "zh-hans", document)
    if item["type"] in ("note", "calculate"):
        return
    if item["type"] in OPINION_TYPES:
        parts = two_things(label)
        if parts is not None:
            yield Advice("two_things", name, "label", {"first": parts[0], "second": parts[1]})
        if _asks_opinion(item, label) and not _may_not_know(document, item):
            yield Advice("no_dont_know", name, "missing")
    pushed = leading(label)
    if pushed is not None:
        yield Advice(f"leading_{pushed[0]}", name, "label", {"words": pushed[1]})
    negated = DOUBLE_NEGATIVE.search(NOT_DOUBLE.sub("", label))
    if negated:
        yield Advice("double_negative", name, "label", {"words": negated[0]})
    if len(label) > QUESTION_LENGTH:
        yield Advice("long_label", name, "label", {"length": len(label), "most": QUESTION_LENGTH})
    yield from _of_choices(document, item)
    if item["type"] == "scale" and not item.get("ends"):
        yield Advice("no_ends", name, "ends")
    asked = item["type"] in OPINION_TYPES and item.get("modes") != ["door"]  # not what interviewers note down
    if item.get("required") and asked and not _offers(document, item, "refused"):
        yield Advice("forced", name, "required")


def _of_choices(document: Document, item: Item) -> Iterator[Advice]:
    if item["type"] not in CHOICE_TYPES:
        return
    name, choices = item["name"], substantive_choices(document, item)
    labels = [text_in(choice["label"], "zh-hans", document) for choice in choices]
    longest = max(labels, key=len, default="")
    if len(longest) > OPTION_LENGTH:
        yield Advice("long_option", name, "choices", {"label": longest, "most": OPTION_LENGTH})
    if len(choices) > MOST_OPTIONS and "filter" not in item:
        yield Advice("many_options", name, "choices", {"count": len(choices), "most": MOST_OPTIONS})
    if item["type"] != "select_one":
        return
    balance = sides(labels)
    if balance is not None and balance[0] != balance[1]:
        yield Advice("unbalanced", name, "choices", {"good": balance[0], "bad": balance[1]})
    elif balance is not None and _falls(choices, labels):
        yield Advice("codes_reversed", name, "choices")


def _falls(choices: list[dict[str, Any]], labels: list[str]) -> bool:
    """Whether the good options have the lower codes."""
    good = [c["code"] for c, label in zip(choices, labels, strict=True)
            if not NEGATIVE.search(label) and not NEUTRAL.search(label)]  # fmt: skip
    bad = [c["code"] for c, label in zip(choices, labels, strict=True)
           if NEGATIVE.search(label) and not NEUTRAL.search(label)]  # fmt: skip
    return all(isinstance(code, int) for code in good + bad) and max(good) < min(bad)


OPINION = re.compile(
    r"满意|支持|同意|赞成|认可|评价|觉得|认为|看来|信任|公平|放心|知道|了解|听说|做得|怎么样|效果"
)
ABOUT_ONESELF = re.compile(
    r"您自己|自己的|您的生活|您家|感觉安全|感到安全|您的(?:年龄|性别|户口|职业)|目前的生活"
)


def _asks_opinion(item: Item, label: str) -> bool:
    """Whether somebody may honestly have no opinion or no knowledge."""
    return bool(OPINION.search(label)) and not ABOUT_ONESELF.search(label) and "matrix" not in item


def _may_not_know(document: Document, item: Item) -> bool:
    """A don't-know of its own, or an option of a knowledge question that says so (全知道 … 不知道)."""
    labels = [text_in(choice["label"], "zh-hans", document) for choice in substantive_choices(document, item)]
    return _offers(document, item, "dont_know") or any(
        re.search(r"不知道|不了解|不清楚|没听说", label) for label in labels
    )


def _offers(document: Document, item: Item, kind: str) -> bool:
    return any(choice.get("missing") == kind for choice in missing_choices(document, item))
