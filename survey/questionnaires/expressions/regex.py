"""The part of regular expressions that means the same in Python and in ES2017.

`portable` rewrites a pattern for Python's `re`; `expressions.js` holds its twin for JavaScript. Patterns
match the whole text, as in ODK Collect. Refused, because old phones or the two engines differ: look-behind,
named groups, \\p{…}, inline flags, possessive and atomic groups.
"""

import re
from functools import lru_cache

from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.said import said as _

SPACE_CLASS = r" \t\n\r\f\v"
MAX_PATTERN = 500
CLASS_ESCAPE = re.compile(r"\\[dDwWs]")
QUANTIFIER = re.compile(r"\{\d+(,\d*)?\}")
SIMPLE_ESCAPES = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f", "v": r"\v"}


def _refuse(pattern: str, what: str) -> ExpressionError:
    return ExpressionError(_("regex() 的写法“{pattern}”里有{what}，换一种写法", pattern=pattern, what=what))


def _escape(pattern: str, letter: str, rest: str, *, inside: bool) -> tuple[str, int]:
    """The Python spelling of an escape and how many characters after the backslash it used."""
    if letter in "dDwW":
        return ("[^0-9]" if letter == "D" and not inside else "\\" + letter), 1
    if letter == "s":
        return (SPACE_CLASS if inside else f"[{SPACE_CLASS}]"), 1
    if letter == "S" and not inside:
        return f"[^{SPACE_CLASS}]", 1
    if letter in "bB" and not inside:
        return "\\" + letter, 1
    if letter in SIMPLE_ESCAPES:
        return SIMPLE_ESCAPES[letter], 1
    code = re.match(r"u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})", rest)
    if code:
        return re.escape(chr(int(code[1] or code[2], 16))), len(code[0])
    if letter.isascii() and letter.isalnum():
        raise _refuse(pattern, _("不支持的“{sign}”", sign=f"\\{letter}"))
    return re.escape(letter), 1


@lru_cache(maxsize=256)
def portable(pattern: str) -> re.Pattern[str]:
    """`pattern` compiled for Python with the common meaning. Raises ExpressionError."""
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(_("regex() 的写法太长（超过 {most} 个字符）", most=MAX_PATTERN))
    out, i, inside = [], 0, False
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            if i + 1 == len(pattern):
                raise _refuse(pattern, _("落单的“{char}”", char="\\"))
            text, used = _escape(pattern, pattern[i + 1], pattern[i + 1 :], inside=inside)
            out.append(text)
            i += 1 + used
            continue
        if inside and char == "-" and (_ends_with_class(out) or CLASS_ESCAPE.match(pattern, i + 1)):
            out.append(r"\-")  # [\w-.]: a hyphen beside a class is itself, never a range
        elif inside:
            inside = char != "]"
            # A bracket inside a class is literal in JavaScript and a warning in Python.
            out.append("\\" + char if char in "[&~|" else char)
        elif char == "[":
            inside = True
            out.append(char)
            if pattern[i + 1 : i + 2] == "^":
                out.append("^")
                i += 1
            if pattern[i + 1 : i + 2] == "]":
                raise _refuse(pattern, _("空的“[]”"))
        elif char == "(" and pattern[i + 1 : i + 2] == "?" and pattern[i + 2 : i + 3] not in (":", "=", "!"):
            raise _refuse(pattern, _("不支持的“{sign}”", sign="(?…"))
        elif char == ".":
            out.append("[^\n\r\u2028\u2029]")
        elif char == "$":
            out.append(r"\Z")
        elif char == "{" and QUANTIFIER.match(pattern, i):
            quantifier = QUANTIFIER.match(pattern, i)[0]
            out.append(quantifier)
            i += len(quantifier) - 1
            _refuse_possessive(pattern, i)
        elif char in "{}]":
            raise _refuse(pattern, _("落单的“{char}”", char=char))
        elif char in "*+?":
            _refuse_possessive(pattern, i)
            out.append(char)
        else:
            out.append(char)
        i += 1
    return _compile(pattern, "".join(out))


def _ends_with_class(out: list[str]) -> bool:
    return bool(out) and (out[-1] in (r"\d", r"\D", r"\w", r"\W", SPACE_CLASS))


def _refuse_possessive(pattern: str, i: int) -> None:
    if pattern[i + 1 : i + 2] == "+":
        raise _refuse(pattern, _("连在一起的“+”"))


def _compile(pattern: str, translated: str) -> re.Pattern[str]:
    try:
        return re.compile(translated, re.ASCII)
    except re.error as error:
        raise _refuse(pattern, _("语法错误")) from error
