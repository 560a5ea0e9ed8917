"""Scales and grids in a pasted text: which scores, which words, in which direction. Pure."""

import re
from dataclasses import dataclass

from survey.questionnaires.pasted_lines import BULLETS, PREFIX
from survey.questionnaires.said import said as _

WORSE = re.compile(r"不|差|反对|低|少|从未|从不|没有|unsafe|dis|bad|poor|never|not ", re.IGNORECASE)
CELLS = re.compile(r"\t+|\s*[|｜]\s*|\s{2,}")
MAX_COLUMNS, MAX_ROWS = 20, 60
Trouble = tuple[int, str]


@dataclass(frozen=True)
class Grid:
    """A matrix as written: words of the columns or, where they are numbers, the first and last score."""

    columns: list[str]
    rows: list[tuple[int, str]]
    scores: tuple[int, int] | None = None


def descends(labels: list[str]) -> bool:
    """Whether words run from the best to the worst: the last one says less or not, the first does not."""
    return len(labels) > 1 and bool(WORSE.search(labels[-1])) and not WORSE.search(labels[0])


def score_line(text: str) -> tuple[int, int, str, str] | None:
    """`很不满意 1 2 3 4 5 很满意` → (1, 5, 很不满意, 很满意); None where there are no scores in a row."""
    words = re.sub(f"[{BULLETS}]", " ", text).split()
    places = [place for place, word in enumerate(words) if re.fullmatch(r"\d{1,3}分?", word)]
    numbers = [int(words[place].rstrip("分")) for place in places]
    if len(numbers) < 3 or places != list(range(places[0], places[0] + len(places))):
        return None
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    low, high = " ".join(words[: places[0]]), " ".join(words[places[-1] + 1 :])
    return numbers[0], numbers[-1], low, high


def grid_of(body: list[tuple[int, str]]) -> tuple[Grid | None, Trouble]:
    """The columns in the first line, a row in each further one; or the line and what is wrong with it."""
    if len(body) < 2:
        message = _("矩阵题下面第一行写各列（用空格或制表符隔开），再一行写一个小题")
        return None, (body[0][0] if body else 0, message)
    first, *rest = body
    columns = _cells(first[1])
    if not 2 <= len(columns) <= MAX_COLUMNS:
        return None, (
            first[0],
            _("这一行要写矩阵的各列，2 到 {most} 列，用空格或制表符隔开", most=MAX_COLUMNS),
        )
    if len(rest) > MAX_ROWS:
        return None, (rest[MAX_ROWS][0], _("矩阵超过 {most} 行，请拆成两题", most=MAX_ROWS))
    rows = [(line, _row(text)) for line, text in rest]
    for line, label in rows:
        if not label:
            return None, (line, _("这一行要写小题的名字"))
    scored = score_line(" ".join(columns))
    return Grid(columns, rows, scored[:2] if scored else None), (0, "")


def _cells(text: str) -> list[str]:
    found = [cell.strip() for cell in CELLS.split(text.strip()) if cell.strip()]
    if len(found) < 2:
        found = [cell for cell in re.split(r"[\s/／]+", text.strip()) if cell]
    return [re.sub(f"^[{BULLETS}]\\s*", "", cell) for cell in found]


def _row(text: str) -> str:
    """The label of a row, without its letter and the circles behind it."""
    label = re.split(rf"[\s|｜]*[{BULLETS}]", PREFIX.sub("", text, count=1), maxsplit=1)[0]
    return re.sub(r"(?:[\s|｜]+\d{1,3}){2,}\s*$", "", label).strip(" |｜\t：:")
