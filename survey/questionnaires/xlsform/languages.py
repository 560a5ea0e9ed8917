"""Which languages a form speaks, and to which of them a column without a language belongs.

1. `label::English (en)`, `label::简体中文 (zh-hans)`, `label::繁體中文 (zh-hant)` name theirs.
2. A plain `label` is in the `default_language` of the settings, as in pyxform.
3. Without one its script decides: Chinese characters are Simplified unless more of them exist in Big5 only,
   Latin letters are taken for English, with a warning, and other scripts are refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from survey.questionnaires.document import LANGUAGES
from survey.questionnaires.xlsform.sheets import Sheet, language_of

LANGUAGE_NAMES = {"zh-hans": "简体中文 (zh-hans)", "zh-hant": "繁體中文 (zh-hant)", "en": "English (en)"}
IN_BRACKETS = re.compile(r"\(\s*([A-Za-z-]+)\s*\)")
TAGS = re.compile(r"<[^>]*>|\$\{[^}]*\}|https?://\S+")


@dataclass(frozen=True)
class Spoken:
    """`plain` is the language of plain columns, "" where it is none of ours; `guessed` from the script."""

    languages: list[str]
    plain: str
    default: str
    guessed: bool = False
    foreign: str = ""  # the default_language as written, where it is none of ours


def spoken_by(survey: Sheet, choices: Sheet, default_text: str) -> Spoken:
    """The languages of a form; none when it has texts in none of ours."""
    named = _named(survey) if _labelled(survey) else _named(choices)
    match = IN_BRACKETS.search(default_text)
    default = language_of(match[1] if match else default_text)
    foreign = "" if default or default_text.strip().lower() in ("", "default") else default_text.strip()
    plain_texts = [row["label"] for sheet in (survey, choices) for _at, row in sheet.rows if "label" in row]
    plain, guessed = default, False
    if plain_texts and not default and not foreign:
        plain, guessed = script_of(plain_texts), True
    found = named | ({plain} if plain_texts and plain else set())
    if not found and not plain_texts and not _labelled(survey, choices):
        found = {default or "zh-hans"}  # calculations only
    languages = [language for language in LANGUAGES if language in found]
    if languages and plain not in languages and not plain_texts:
        plain = languages[0]
    chosen = next((each for each in (default, plain) if each in languages), "")
    return Spoken(languages, plain, chosen or (languages[0] if languages else ""), guessed, foreign)


def _named(sheet: Sheet) -> set[str]:
    """Languages of the sheet's labels. What only the options speak, nobody can be asked in."""
    return {key.split("::")[1] for key in sheet.columns if key.startswith("label::")} & set(LANGUAGES)


def _labelled(*sheets: Sheet) -> bool:
    return any(key.startswith("label") for sheet in sheets for key in sheet.columns)


def script_of(texts: Iterable[str]) -> str:
    """The language that a script suggests; "" for a script of none of ours."""
    letters = [letter for text in texts for letter in TAGS.sub("", text) if letter.isalpha()]
    han = [letter for letter in letters if "\u4e00" <= letter <= "\u9fff"]
    latin = sum(letter < "\u0250" for letter in letters)
    if not letters:
        return "zh-hans"
    if 2 * len(han) >= latin and 2 * len(han) >= len(letters) - len(han) - latin:
        traditional = sum(_only_in(letter, "big5", "gb2312") for letter in han)
        return (
            "zh-hant"
            if traditional > sum(_only_in(letter, "gb2312", "big5") for letter in han)
            else "zh-hans"
        )
    return "en" if 2 * latin > len(letters) else ""


def _only_in(letter: str, encoding: str, other: str) -> bool:
    return _has(letter, encoding) and not _has(letter, other)


def _has(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
