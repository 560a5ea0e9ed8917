"""A pasted text into a questionnaire document, in the manner of Chinese survey tools. Pure.

`pasted_lines` takes the text apart; here each numbered item becomes an item, with problems by line. Options
get the codes 1, 2, 3 … in their order; those of a scale of words that begins with the best get n … 1, so that
a higher code is better (docs/questionnaire-format.md).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import (
    DONT_KNOW,
    FORMAT,
    REFUSED,
    Document,
    Item,
    Problem,
    expression,
    format_for,
)
from survey.questionnaires.pasted_jumps import also, skip_between
from survey.questionnaires.pasted_lines import (
    UNREADABLE,
    Passage,
    Question,
    line_cell,
    line_of,
    option_texts,
    parts_of,
)
from survey.questionnaires.pasted_options import read_option
from survey.questionnaires.pasted_scales import descends, grid_of, score_line
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.items import default_seconds
from survey.questionnaires.xlsform.languages import script_of

MAX_TEXT, MAX_ITEMS, MAX_OPTIONS = 200_000, 500, 200
ASK_OTHER = {"zh-hans": "请说明", "zh-hant": "請說明", "en": "Please specify"}
YES_NO = {"zh-hans": ("对", "错"), "zh-hant": ("對", "錯"), "en": ("True", "False")}
MISSING = {"dont_know": DONT_KNOW, "refused": REFUSED}
SIMPLE = ("text", "integer", "decimal", "date", "time", "photo", "place", "signature", "note")


@dataclass(frozen=True)
class Pasted:
    """`document` is None when there is an error; the place of each problem is a line, `第 3 行`."""

    document: Document | None
    problems: list[Problem]


def read_pasted(text: str, *, title: str = "", name: str = "pasted") -> Pasted:
    """The questionnaire that a text describes.

    Parameters
    ----------
    text : one item a number, one option a line or a letter; see `pasted_lines`.
    title : of the questionnaire; without one, the text's first line before the items.
    name : of the document, letters and digits.
    """
    if len(text) > MAX_TEXT:
        message = _("文字超过 {most} 字，请分成几份问卷", most=MAX_TEXT)
        return Pasted(None, [Problem("error", "long", message, cell=line_cell(1))])
    return _Reader(text, title, name).read()


class _Reader:
    def __init__(self, text: str, title: str, name: str) -> None:
        self.parts, troubles = parts_of(text)
        self.title, self.name = UNREADABLE.sub("", title).strip()[:200], name
        self.problems = [
            Problem("error", "line", message, cell=line_cell(line)) for line, message in troubles
        ]
        stems = (part.text if isinstance(part, Passage) else part.stem for part in self.parts)
        self.language = script_of(stems) or "zh-hans"
        self.cells: dict[tuple[str, str], str] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.matrices: dict[str, Any] = {}
        self.blocks: list[dict[str, Any]] = []
        self.jumps: list[tuple[int, str, Any, str]] = []  # line, item, code, target
        self.codes: dict[str, list[Any]] = {}  # item → codes of its options in order
        self.order: list[tuple[str, Item]] = []  # question → its items

    def read(self) -> Pasted:
        questions = [part for part in self.parts if isinstance(part, Question)]
        self._check_whole(questions)
        for place, part in enumerate(self.parts):
            if isinstance(part, Passage):
                self._passage(part, first=place == 0)
            else:
                self._question(part)
        for question in questions:
            self._depends(question)
        for jump in self.jumps:
            self._jump(*jump)
        blocks = [block for block in self.blocks if block["items"]]
        if any(problem.level == "error" for problem in self.problems) or not blocks:
            return Pasted(None, self._sorted())
        document = self._document(blocks)
        self.problems += check_document(document, self.cells)
        refused = any(problem.level == "error" for problem in self.problems)
        return Pasted(None if refused else document, self._sorted())

    def _sorted(self) -> list[Problem]:
        levels = ("error", "warning", "lost")
        return sorted(self.problems, key=lambda problem: (levels.index(problem.level), line_of(problem.cell)))

    def _document(self, blocks: list[dict[str, Any]]) -> Document:
        document = {
            "format": FORMAT,
            "name": self.name,
            "version": "1",
            "title": {self.language: self.title or "问卷"},
            "languages": [self.language],
            "default_language": self.language,
            "timezone": "Asia/Shanghai",
            "choice_lists": self.lists,
            "blocks": blocks,
        }
        if self.matrices:
            document["matrices"] = self.matrices
        document["format"] = format_for(document)
        return document

    def _check_whole(self, questions: list[Question]) -> None:
        if not questions:
            self._add("error", "empty", _("没有找到题目。每道题写成“1. 您的性别 [单选题]”，选项一行一个"), 1)
        elif len(questions) > MAX_ITEMS:
            self._add(
                "error",
                "long",
                _("超过 {most} 题，请分成几份问卷", most=MAX_ITEMS),
                questions[MAX_ITEMS].line,
            )
        seen: dict[str, int] = {}
        for question in questions:
            number = question.number.lstrip("0") or "0"
            if number in seen:
                message = _(
                    "题号 {number} 用了两次（第 {line} 行已经有了）", number=number, line=seen[number]
                )
                self._add("error", "duplicate", message, question.line)
            seen.setdefault(number, question.line)

    def _add(self, level: str, code: str, message: str, line: int) -> None:
        self.problems.append(Problem(level, code, message, cell=line_cell(line)))

    def _texts(self, text: str) -> dict[str, str]:
        return {self.language: text}

    # ---- passages ------------------------------------------------------------------------------------

    def _passage(self, part: Passage, *, first: bool) -> None:
        if part.title:
            block: dict[str, Any] = {"name": f"part_{len(self.blocks) + 1}", "items": []}
            if part.text:
                block["title"] = self._texts(part.text)
            self.cells[block["name"], "title"] = line_cell(part.line)
            self.blocks.append(block)
        elif first and not self.title:
            self.title = part.text[:200]
        elif not (first and part.text == self.title):
            self._note(part)

    def _note(self, part: Passage) -> None:
        items = self._items()
        if items and items[-1]["type"] == "note" and items[-1]["name"].startswith("note_"):
            joined = f"{items[-1]['label'][self.language]}\n{part.text}"
            items[-1]["label"] = self._texts(joined)
            return
        count = sum(item["name"].startswith("note_") for block in self.blocks for item in block["items"])
        note = {"name": f"note_{count + 1}", "type": "note", "label": self._texts(part.text)}
        items.append(note | {"seconds": default_seconds(note)})
        self.cells[note["name"], "name"] = line_cell(part.line)

    def _items(self) -> list[Item]:
        if not self.blocks:
            self.blocks.append({"name": "part_1", "items": []})
        return self.blocks[-1]["items"]

    # ---- items ---------------------------------------------------------------------------------------

    def _question(self, question: Question) -> None:
        name = f"Q{question.number.lstrip('0') or '0'}"
        self.cells[name, "name"] = line_cell(question.line)
        for message in question.refused:
            self._add("error", "type", message, question.line)
        if not question.stem:
            self._add("error", "label", _("第 {number} 题没有写题目", number=question.number), question.line)
        if question.refused or not question.stem:
            return
        item: Item = {"name": name, "type": "", "label": self._texts(question.stem)}
        if question.required:
            item["required"] = True
        made = self._maker(question)(question, item)
        for each in made:
            each.setdefault("seconds", default_seconds(each))
            self.cells.setdefault((each["name"], "name"), line_cell(question.line))
            self._items().append(each)
            self.order.append((name, each))

    def _maker(self, question: Question) -> Callable[[Question, Item], list[Item]]:
        if not question.kind:
            question.kind = "select_one" if question.body else "text"
            one, text = (
                _("第 {number} 题没有写题型，有选项，当作单选题"),
                _("第 {number} 题没有写题型，没有选项，当作填空题"),
            )
            message = _(one if question.body else text, number=question.number)
            self._add("warning", "type", message, question.line)
        makers: Mapping[str, Callable[[Question, Item], list[Item]]] = {
            "scale": self._scale,
            "rating": self._rating,
            "matrix": self._matrix,
            "judgement": self._judgement,
            "long": self._simple,
            **dict.fromkeys(SIMPLE, self._simple),
        }
        return makers.get(question.kind, self._choice)

    def _simple(self, question: Question, item: Item) -> list[Item]:
        item["type"] = "text" if question.kind == "long" else question.kind
        if question.kind == "long":
            item["multiline"] = True
        if question.kind == "note":
            item.pop("required", None)
        if question.body:
            line = question.body[0][0]
            self._add("error", "options", _("这种题没有选项，这一行放不进去；是说明就在前面空一行"), line)
        return [item]

    def _judgement(self, question: Question, item: Item) -> list[Item]:
        if not question.body:
            question.body = [(question.line, text) for text in YES_NO[self.language]]
        return self._choice(question, item)

    def _choice(self, question: Question, item: Item) -> list[Item]:
        item["type"] = "select_one" if question.kind in ("judgement", "scale") else question.kind
        options = option_texts(question.body)
        if len(options) < 2:
            message = _(
                "第 {number} 题至少要有两个选项，一行一个，或写成“A. 是  B. 否”", number=question.number
            )
            self._add("error", "options", message, options[0][0] if options else question.line)
            return []
        if len(options) > MAX_OPTIONS:
            self._add("error", "options", _("选项超过 {most} 个", most=MAX_OPTIONS), options[MAX_OPTIONS][0])
            return []
        choices = self._choices(question, item, options)
        item["list"] = self._list(item["name"], choices)
        if item["type"] != "select_one":
            item |= question.limits
        if question.shuffled:
            item["order"] = {"random": True}
        companions = [self._companion(item, choice) for choice in choices if choice.get("specify")]
        return [item, *companions]

    def _choices(
        self, question: Question, item: Item, options: list[tuple[int, str]]
    ) -> list[dict[str, Any]]:
        turned = question.kind == "scale" and descends([text for _line, text in options])
        choices: list[dict[str, Any]] = []
        count = 0
        for line, written in options:
            option = read_option(written)
            choice: dict[str, Any] = {"code": count + 1, "label": self._texts(option.label)}
            if option.missing and not any(each.get("missing") == option.missing for each in choices):
                choice |= {"code": MISSING[option.missing], "missing": option.missing}
                message = _(
                    "“{label}”记作不算分的回答（代码 {code}）", label=option.label, code=choice["code"]
                )
                self._add("warning", "missing", message, line)
            else:
                count += 1
                choice |= {"specify": True} if option.specify else {}
                if option.exclusive and item["type"] == "select_multiple":
                    choice["exclusive"] = True
            choices.append(choice)
            if option.jump is not None:
                self.jumps.append((line, item["name"], choice, option.jump))
        if turned:
            for choice in choices:
                choice["code"] = choice["code"] if choice.get("missing") else count + 1 - choice["code"]
        self.codes[item["name"]] = choices
        return choices

    def _companion(self, item: Item, choice: Mapping[str, Any]) -> Item:
        """The text that an option with 其他____ asks for."""
        taken = {each["name"] for each in (item, *(made for _name, made in self.order))}
        name = f"{item['name']}_other"
        if sum(bool(each.get("specify")) for each in self.codes[item["name"]]) > 1 or name in taken:
            name = f"{item['name']}_other_{choice['code']}"
        return {
            "name": name,
            "type": "text",
            "label": self._texts(ASK_OTHER[self.language]),
            "relevant": expression(f"selected(${{{item['name']}}}, '{choice['code']}')"),
            "with": item["name"],
        }

    def _list(self, name: str, choices: list[dict[str, Any]]) -> str:
        """The name of a list with these choices; the same choices once."""
        for known, held in self.lists.items():
            if json.dumps(held, sort_keys=True) == json.dumps(choices, sort_keys=True):
                return known
        self.lists[f"{name}_list"] = choices
        return f"{name}_list"

    # ---- scales and matrices -------------------------------------------------------------------------

    def _scale(self, question: Question, item: Item) -> list[Item]:
        if len(question.body) == 1 and (scored := score_line(question.body[0][1])):
            return [self._scored(item, *scored)]
        if question.range and not question.body:
            return [self._scored(item, *question.range, "", "")]
        options = [text for _line, text in option_texts(question.body)]
        if options and (scored := score_line(" ".join(options))):
            return [self._scored(item, *scored)]
        if not options:
            message = _("量表题要写出各档：一行一个，或写成“很不满意 1 2 3 4 5 很满意”，或在题型后写 [0-10]")
            self._add("error", "scale", message, question.line)
            return []
        return self._choice(question, item)

    def _scored(self, item: Item, start: int, end: int, low: str, high: str) -> Item:
        item |= {"type": "scale", "from": start, "to": end}
        if low and high:
            item["ends"] = {"low": self._texts(low), "high": self._texts(high)}
        return item

    def _rating(self, question: Question, item: Item) -> list[Item]:
        if question.body:
            return self._scale(question, item)
        item["type"] = "rating"
        if question.range and question.range != (1, 5):
            return [self._scored(item, *question.range, "", "")]
        return [item]

    def _matrix(self, question: Question, item: Item) -> list[Item]:
        grid, trouble = grid_of(question.body)
        if grid is None:
            self._add("error", "matrix", trouble[1], trouble[0] or question.line)
            return []
        name = item["name"]
        stem = f"{name}_matrix"
        self.matrices[stem] = {"label": item["label"]}
        common: Item = {"matrix": stem} | ({"required": True} if question.required else {})
        if grid.scores:
            common |= {"type": "scale", "from": grid.scores[0], "to": grid.scores[1]}
        else:
            count = len(grid.columns)
            codes = range(count, 0, -1) if descends(grid.columns) else range(1, count + 1)
            choices = [
                {"code": code, "label": self._texts(label)}
                for code, label in zip(codes, grid.columns, strict=True)
            ]
            common |= {"type": "select_one", "list": self._list(name, choices)}
            self.codes[name] = choices
        rows = []
        for place, (line, label) in enumerate(grid.rows, start=1):
            rows.append({"name": f"{name}_{place}", "label": self._texts(label)} | common)
            self.cells[f"{name}_{place}", "name"] = line_cell(line)
        return rows

    # ---- conditions ----------------------------------------------------------------------------------

    def _depends(self, question: Question) -> None:
        """依赖于第 1 题第 2 个选项."""
        name = f"Q{question.number.lstrip('0') or '0'}"
        for line, number, places in question.depends:
            source = f"Q{number.lstrip('0') or '0'}"
            choices = self.codes.get(source, [])
            if not any(item["name"] == source for _name, item in self.order):
                self._add("error", "depends", _("没有能作条件的第 {number} 题", number=number), line)
            elif wrong := [place for place in places if not 1 <= place <= len(choices)]:
                self._add(
                    "error",
                    "depends",
                    _("第 {number} 题没有第 {place} 个选项", number=number, place=wrong[0]),
                    line,
                )
            else:
                terms = [f"selected(${{{source}}}, '{choices[place - 1]['code']}')" for place in places]
                for owner, item in self.order:
                    if owner == name:
                        also(item, " or ".join(terms))

    def _jump(self, line: int, source: str, choice: Mapping[str, Any], target: str) -> None:
        """跳至第 5 题: what stands between is not asked after this answer."""
        if not skip_between(self.order, source, choice, target):
            message = _("跳不到第 {target} 题：没有这一题，或者它在前面", target=target)
            self._add("error", "jump", message, line)
