"""What the texts of a form hold besides words: answers put in, and marks for bold and colour."""

import re
from collections.abc import Iterator

from survey.questionnaires.document import Problem
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.sheets import Sheet

TEXTS = ("label", "hint", "constraint_message", "required_message")
INSERTED = re.compile(r"\$\{[^}]*\}")
MARKUP = re.compile(
    r"</?(?:span|b|i|u|br|em|strong|p|font|big|small|h\d|a|ul|ol|li|div|img)\b[^>]*>|\*\*\S|\[[^\]]+\]\(https?:",
    re.IGNORECASE,
)


def text_problems(sheet: Sheet, keys: set[str]) -> Iterator[Problem]:
    """Texts of the columns `keys` that would not be shown as their author means them.

    An answer put into a text (`${name}`) would be missing from the question: an error. Bold or coloured words
    keep their meaning: told once for a column.
    """
    marked: dict[str, list[int]] = {}
    for number, row in sheet.rows:
        for key in sorted(keys & row.keys()):
            if found := INSERTED.search(row[key]):
                message = _(
                    "文字里插入了回答“{found}”，还不支持：题目会缺一块。请改写，或按回答分成几题，各写各的条件",
                    found=found[0],
                )
                yield Problem("error", "inserted", message, cell=sheet.cell(number, key))
            if MARKUP.search(row[key]):
                marked.setdefault(key, []).append(number)
    for key, numbers in marked.items():
        message = _("文字里的粗体、颜色等记号（{count} 行）会照原样显示成字符，请删掉", count=len(numbers))
        yield Problem("lost", "markup", message, cell=sheet.cell(numbers[0], key))
