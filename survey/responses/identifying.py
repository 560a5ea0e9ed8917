"""What in an open answer may lead to a person: found by its form, for a reviewer's eye. Pure.

It helps a person who reads; it decides nothing. Names have no form that a rule could trust: only those that a
title follows (王主任, 李医生) are shown.
"""

import re
from dataclasses import dataclass

# Weights and check characters of a citizen's identity number: GB 11643-1999, section 3.2 (MOD 11-2).
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_DIGIT = r"[0-9０-９]"
# The commonest family names, by the Ministry of Public Security's national name reports: with a title they
# are a person.
_FAMILIES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁"
_TITLES = (
    "书记|主任|局长|科长|处长|所长|站长|校长|院长|经理|队长|老师|医生|大夫|护士|警官|法官|律师|师傅|网格员|"
    "先生|女士|大爷|大妈|阿姨|某某|某"
)


@dataclass(frozen=True)
class Hint:
    """A stretch of a text, `start` to `end`, and its kind."""

    start: int
    end: int
    kind: str


# Kinds that come first win where two overlap.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("identity_number", re.compile(rf"(?<!{_DIGIT}){_DIGIT}{{17}}[0-9０-９XxＸｘ](?!{_DIGIT})")),
    ("mobile", re.compile(rf"(?<!{_DIGIT})(?:1|１)[3-9３-９](?:[ -]?{_DIGIT}){{9}}(?!{_DIGIT})")),
    ("landline", re.compile(rf"(?<!{_DIGIT})(?:0{_DIGIT}{{2,3}}[- ]?)?[2-8]{_DIGIT}{{6,7}}(?!{_DIGIT})")),
    ("email", re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    (
        "account",
        re.compile(r"(?:微信号?|QQ号?|qq号?|抖音号?)\s*(?:是|[:：])?\s*[A-Za-z0-9_-]{5,20}"),
    ),
    # GA 36-2018: province, letter, five or (new energy) six characters.
    (
        "plate",
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·.]?[A-Z0-9]{5,6}"
        ),
    ),
    (
        "dwelling",
        re.compile(
            r"[0-9０-９一二三四五六七八九十]+\s*(?:号楼|栋|幢|座)(?:\s*[0-9０-９一二三四五六七八九十]+\s*单元)?"
            r"(?:\s*[0-9０-９]+\s*(?:室|号|户)?)?|[0-9０-９一二三四五六七八九十]+\s*单元(?:\s*[0-9０-９]+\s*(?:室|号)?)?"
            r"|[0-9０-９]{3,4}\s*室"
        ),
    ),
    ("person", re.compile(rf"[{_FAMILIES}][一-鿿]{{0,2}}?(?:{_TITLES})")),
)
KINDS = tuple(kind for kind, _form in _FORMS)


def hints(text: str) -> list[Hint]:
    """Stretches of `text` that may identify somebody, in order, none overlapping another."""
    taken: list[Hint] = []
    for kind, form in _FORMS:
        for match in form.finditer(text):
            if kind == "identity_number" and not is_identity_number(match[0]):
                continue
            if all(match.end() <= other.start or match.start() >= other.end for other in taken):
                taken.append(Hint(match.start(), match.end(), kind))
    return sorted(taken, key=lambda hint: hint.start)


def is_identity_number(text: str) -> bool:
    """Whether the last of 18 characters is the check character of the first 17."""
    digits = [int(character) for character in text[:17]]
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=True))
    last = {"ｘ": "X", "Ｘ": "X", "x": "X"}.get(text[17], text[17])
    return _CHECKS[total % 11] == (last if last == "X" else str(int(last)))


def without(text: str, words: dict[str, str]) -> str:
    """`text` with each hint replaced by the word for its kind: a proposal for a reviewer."""
    parts, at = [], 0
    for hint in hints(text):
        parts += [text[at : hint.start], words[hint.kind]]
        at = hint.end
    return "".join([*parts, text[at:]])


def pieces(text: str) -> list[tuple[str, str]]:
    """(stretch, kind or "") of the whole text, in order: what a page marks."""
    found, at = [], 0
    for hint in hints(text):
        found += [(text[at : hint.start], ""), (text[hint.start : hint.end], hint.kind)]
        at = hint.end
    return [piece for piece in [*found, (text[at:], "")] if piece[0]]
