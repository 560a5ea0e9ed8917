"""The lines of a questionnaire as people write them: numbered items, lettered options, marks. Pure.

一、基本情况
1. 您的性别 [单选题] *
A. 男   B. 女
2. 您用过哪些办法？[多选题][最多选 2 项]
□ 打热线
□ 其他____
3. 您对这几样满意吗？[矩阵量表题]
很满意 满意 一般 不满意 很不满意
卫生
治安
"""

import re
from dataclasses import dataclass, field

from survey.questionnaires.said import said as _

MAX_LINE = 2000  # characters, as a text of a document
BULLETS = "○◯〇□☐●◎▢■◆◇•·☑✓"
UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff\ufeff]")
ITEM = re.compile(
    r"^[*＊]?\s*(?:第\s*(?P<a>\d{1,3})\s*题\s*[.．、:：]?|[QqＱ]\s*(?P<b>\d{1,3})\s*[.．、:：]?"
    r"|(?P<c>\d{1,3})\s*(?:题\s*[.．、:：]?|[.．、](?!\d)))\s*(?P<stem>.*)$"
)
SECTION = re.compile(
    r"^(?:[一二三四五六七八九十]{1,3}\s*[、.．]|第\s*[一二三四五六七八九十\d]{1,3}\s*(?:部分|章|节)).*$"
)
PAGE = re.compile(r"^\s*[=—-]{2,}\s*(?:分页|第\s*\d+\s*页)?\s*[=—-]{2,}\s*$")
PREFIX = re.compile(
    rf"^(?:[（(]?[A-Za-z][.．、)）:：]|[（(]\d{{1,2}}[)）]|\d{{1,2}}[)）]|[①-⑳]|[{BULLETS}]|[\[【]\s*[\]】]|[-–]\s)\s*"
)
NEXT_LETTER = re.compile(r"\s+(?=[（(]?[A-Z][.．、)）:：])")
NEXT_BULLET = re.compile(rf"\s*(?=[{BULLETS}])")
BLANKS = re.compile(r"^[_＿\s]*$")
DEPENDS = re.compile(
    r"^[（(\[【]?\s*依赖于?\s*第?\s*(\d{1,3})\s*题\s*的?\s*第?\s*(\d{1,2}(?:\s*[、,，;；]\s*\d{1,2})*)\s*个?选项\s*[)）\]】]?$"
)
MARK = re.compile(r"[\[【]([^\[\]【】]{1,40})[\]】]|[（(]([^（）()]{1,20})[)）]")

TYPES = {
    **dict.fromkeys(("单选", "单项选择", "下拉", "下拉框", "下拉单选"), "select_one"),
    "判断": "judgement",
    **dict.fromkeys(("多选", "可多选", "多项选择"), "select_multiple"),
    **dict.fromkeys(("填空", "单项填空", "单行填空", "文本", "文字"), "text"),
    **dict.fromkeys(("简答", "问答", "多行填空", "多行文本", "开放"), "long"),
    **dict.fromkeys(("量表", "打分", "nps", "NPS"), "scale"),
    **dict.fromkeys(("评分", "星级", "评星", "评价"), "rating"),
    **dict.fromkeys(("排序",), "ranking"),
    **dict.fromkeys(("矩阵", "矩阵单选", "矩阵量表", "矩阵打分"), "matrix"),
    **dict.fromkeys(("数字", "整数"), "integer"),
    "小数": "decimal",
    "日期": "date",
    "时间": "time",
    **dict.fromkeys(("上传图片", "图片上传", "照片", "拍照", "图片"), "photo"),
    **dict.fromkeys(("定位", "地理位置", "位置"), "place"),
    **dict.fromkeys(("签名", "电子签名", "手写签名"), "signature"),
    **dict.fromkeys(("段落说明", "段落", "说明"), "note"),
}
# Questions of other tools that a document cannot hold, with what to do instead.
REFUSED = {
    "矩阵多选": _("每行拆成一道多选题"),
    "矩阵填空": _("每行拆成一道填空题"),
    "矩阵滑动条": _("改成矩阵量表题"),
    "表格": _("拆成几道题"),
    "多项填空": _("每个空拆成一道填空题"),
    "滑动条": _("改成量表题，写明从几分到几分"),
    "比重": _("改成几道数字题"),
    "文件上传": _("改成“上传图片”，文件收不了"),
    "上传文件": _("改成“上传图片”，文件收不了"),
    "商品": _("平台不收费，删掉它"),
    "级联": _("改成几道单选题"),
    "多级下拉": _("改成几道单选题"),
    "循环评价": _("在编辑页里用重复组"),
    "录音": _("平台不收录音"),
    "视频": _("平台不收视频"),
}
SURE = ("单选", "多选", "可多选", "填空", "排序", "必答", "必填", "选答", "选填", "非必答", "可不答")
MOST = re.compile(r"^(?:最多|限|至多)\s*选?择?\s*(\d{1,2})\s*[项个]?$")
LEAST = re.compile(r"^(?:最少|至少)\s*选?择?\s*(\d{1,2})\s*[项个]?$")
BETWEEN = re.compile(r"^(?:请?选择?)\s*(\d{1,2})\s*[-—~～至到]\s*(\d{1,2})\s*[项个]$")
RANGE = re.compile(r"^(\d{1,3})\s*[-—~～至到]\s*(\d{1,3})\s*分?$")


@dataclass
class Question:
    """One numbered item as written. `limits` of choices, `range` of a scale, both as marks say."""

    line: int
    number: str
    stem: str = ""
    kind: str = ""
    required: bool | None = None
    limits: dict[str, int] = field(default_factory=dict)
    range: tuple[int, int] | None = None
    shuffled: bool = False
    body: list[tuple[int, str]] = field(default_factory=list)
    depends: list[tuple[int, str, list[int]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass
class Passage:
    """A text between items, or (`title`) the name of a section."""

    line: int
    text: str
    title: bool = False


Part = Question | Passage
Trouble = tuple[int, str]  # line, what is wrong


def parts_of(text: str) -> tuple[list[Part], list[Trouble]]:
    """The questions and passages in order, and lines that nobody can place."""
    parts: list[Part] = []
    troubles: list[Trouble] = []
    gap = False
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = UNREADABLE.sub("", raw).replace("\u3000", " ").replace("\xa0", " ").strip()
        if not line:
            gap = True
            continue
        if len(line) > MAX_LINE:
            troubles.append((number, _("这一行超过 {most} 字，请分开", most=MAX_LINE)))
        elif trouble := _place(parts, number, line, gap):
            troubles.append((number, trouble))
        gap = False
    for part in parts:
        if isinstance(part, Question):
            _join_stem(part)
            _read_marks(part)
    return parts, troubles


def _place(parts: list[Part], number: int, line: str, gap: bool) -> str:
    last = parts[-1] if parts else None
    if PAGE.match(line):
        parts.append(Passage(number, "", title=True))
    elif found := ITEM.match(line):
        which = found["a"] or found["b"] or found["c"]
        parts.append(Question(number, which, found["stem"], required=True if line[0] in "*＊" else None))
    elif SECTION.match(line):
        parts.append(Passage(number, line, title=True))
    elif not isinstance(last, Question):
        parts.append(Passage(number, line))
    elif depends := DEPENDS.match(line):
        places = [int(each) for each in re.findall(r"\d+", depends[2])]
        last.depends.append((number, depends[1], places))
    elif not BLANKS.match(line):
        lettered = any(PREFIX.match(each) for _at, each in last.body)
        if gap and not PREFIX.match(line) and (last.body or "填空" in last.stem or "简答" in last.stem):
            parts.append(Passage(number, line))
        elif lettered and not PREFIX.match(line):
            return _("前面的选项带字母或圆圈，这一行没有：是选项就加上，是说明就在前面空一行")
        else:
            last.body.append((number, line))
    return ""


def _join_stem(question: Question) -> None:
    """A stem that runs over several lines, before the first lettered option."""
    first = next((at for at, (_line, each) in enumerate(question.body) if PREFIX.match(each)), 0)
    if first and "矩阵" not in question.stem and "量表" not in question.stem:
        question.stem += "".join(each for _line, each in question.body[:first])
        del question.body[:first]


def _read_marks(question: Question) -> None:
    def taken(match: re.Match[str]) -> str:
        inner = (match[1] or match[2]).strip()
        words = [word for word in re.split(r"[，,；;、\s]+", inner) if word]
        for tried in (words, [re.sub(r"\s", "", inner)]):
            known = all(_mark(Question(0, ""), word) for word in tried)
            if tried and known and (match[1] or all(_sure(word) for word in tried)):
                for word in tried:
                    _mark(question, word)
                return ""
        if match[1] and inner.endswith("题"):
            message = _(
                "不认识题型“{kind}”，可以写：单选题、多选题、填空题、量表题、矩阵题、排序题等", kind=inner
            )
            question.refused.append(message)
            return ""
        return match[0]

    stem = MARK.sub(taken, question.stem).strip()
    if stem.endswith(("*", "＊")) or stem.startswith(("*", "＊")):
        question.required = True
        stem = stem.strip("*＊ ")
    question.stem = re.sub(r"[_＿]{2,}\s*$", "", stem).rstrip().removesuffix("：").removesuffix(":")


def _sure(word: str) -> bool:
    """In round brackets （时间） may belong to the sentence; only what can be nothing else counts."""
    return word.endswith("题") or word in SURE or any(each.match(word) for each in (MOST, LEAST, BETWEEN))


def _mark(question: Question, word: str) -> bool:
    """Reads one word of a mark; False when it is none."""
    plain = word.removesuffix("题")
    if plain in REFUSED:
        question.refused.append(_("“{word}”带不过来：{instead}", word=word, instead=REFUSED[plain]))
    elif plain in TYPES:
        if word in ("NPS", "nps", "NPS题"):
            question.range = (0, 10)
        question.kind = TYPES[plain]
    elif word in ("必答", "必填"):
        question.required = True
    elif word in ("选答", "选填", "非必答", "可不答"):
        question.required = False
    elif word in ("选项随机", "随机"):
        question.shuffled = True
    elif found := MOST.match(word):
        question.limits["max_choices"] = int(found[1])
    elif found := LEAST.match(word):
        question.limits["min_choices"] = int(found[1])
    elif found := BETWEEN.match(word):
        question.limits |= {"min_choices": int(found[1]), "max_choices": int(found[2])}
    elif found := RANGE.match(word):
        question.range = (int(found[1]), int(found[2]))
    else:
        return False
    return True


def option_texts(body: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """(line, text) of the options, several on a line taken apart, without letters and circles."""
    found = []
    for number, line in body:
        prefix = PREFIX.match(line)
        split = None
        if prefix:
            split = NEXT_BULLET if line[0] in BULLETS else NEXT_LETTER
        pieces = [piece for piece in split.split(line) if piece.strip()] if split else [line]
        for piece in pieces:
            text = PREFIX.sub("", piece.strip(), count=1).strip().rstrip("*＊").strip()
            if text:
                found.append((number, text))
    return found


def line_cell(line: int) -> str:
    """How a problem names its line."""
    return _("第 {line} 行", line=line)


def line_of(cell: str) -> int:
    """The line that `line_cell` names; 0 for none."""
    found = re.search(r"\d+", cell)
    return int(found[0]) if found else 0
