"""One row of the survey sheet into one item."""

import re
from collections.abc import Mapping
from typing import Any

from survey.questionnaires.document import CHOICE_TYPES, FILE_TYPES, MODES, NUMBER_TYPES
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.parts import limits_of, order_of, pairs, with_parts

TYPES = {
    **dict.fromkeys(("text", "string", "q string", "add text prompt"), "text"),
    **dict.fromkeys(("integer", "int", "q int", "add integer prompt"), "integer"),
    **dict.fromkeys(("decimal", "q decimal", "add decimal prompt"), "decimal"),
    **dict.fromkeys(("note", "add note prompt", "q note"), "note"),
    **dict.fromkeys(("date", "q date", "add date prompt"), "date"),
    **dict.fromkeys(("time", "q time"), "time"),
    **dict.fromkeys(
        ("datetime", "q datetime", "date time", "add date time prompt", "q date time", "add datetime prompt"),
        "datetime",
    ),
    **dict.fromkeys(("calculate", "calculation", "q calculate", "add calculate prompt"), "calculate"),
    **dict.fromkeys(
        ("geopoint", "gps", "location", "q geopoint", "q location", "add location prompt"), "place"
    ),
    **dict.fromkeys(
        ("image", "photo", "picture", "q image", "q picture", "add image prompt", "add photo prompt"), "photo"
    ),
    **dict.fromkeys(("acknowledge", "trigger", "q acknowledge", "add acknowledge prompt"), "acknowledge"),
    "range": "scale",
}
SELECT = re.compile(
    r"^(?:add |q )?(select_one|select_multiple|select1|select one|select multiple|select all that apply|"
    r"select|rank)\s+(?:prompt\s+)?(?:(?:from|using)\s+)?(\S+)(\s+or[_ ]other|\s+or specify other)?$",
    re.IGNORECASE,
)
SELECTS = {
    "select1": "select_one",
    "select": "select_multiple",  # as pyxform reads it
    "select_all_that_apply": "select_multiple",
    "rank": "ranking",
}
CODE_NUMBER = re.compile(r"-?(0|[1-9]\d{0,8})")
YES = {"yes", "true", "true()", "1", "y", "是"}
NO = {"", "no", "false", "false()", "0", "n", "否"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
TEXT_FIELDS = ("label", "hint", "constraint_message", "required_message")
KNOWN_LOOKS = {"multiline", "signature", "rating", "label", "list-nolabel"}
# Cells of the parts whose column has another name.
COLUMNS = {
    **{field: field for field in ("name", "type", "relevant", "constraint", "required", "calculation")},
    **{field: field for field in ("parameters", "default", "readonly")},
    **{
        field: f"minyi_{field}"
        for field in ("missing", "with", "modes", "order", "matrix", "root", "levels", "consent", "scoring")
    },
    "filter": "choice_filter",
    "min_choices": "minyi_limits",
    "max_choices": "minyi_limits",
    "list": "type",
}


class ItemReader:
    """Reads rows with the texts, expressions and problems of a builder."""

    def __init__(self, builder: Any) -> None:
        self.b, self.sheet = builder, builder.survey

    def read(self, number: int, row: Mapping[str, str], kind: str) -> tuple[dict[str, Any], bool] | None:
        """The item, and whether it has or_other; None, and a problem, when the type is not one of ours."""
        select = SELECT.match(kind)
        item: dict[str, Any] = {"name": row.get("name", "")}
        if select:
            word = select[1].lower().replace(" ", "_")
            item |= {"type": SELECTS.get(word, word), "list": select[2]}
        elif kind.lower() in TYPES:
            item["type"] = TYPES[kind.lower()]
        else:
            self.refuse(_("题型“{kind}”", kind=kind), number)
            return None
        self._kind(item, row, number)
        self._cells(item["name"], number)
        self._written(item, number, row)
        self._choices(item, number, row)
        self._small(item, number, row)
        self._default(item, number, row)
        self._looks(item, number, row)
        item = with_parts(self.b, item, row, self.sheet.cell(number, "minyi_parts"))
        return item, bool(select and select[3])

    def refuse(self, what: str, number: int) -> None:
        """A problem at the row's type: dropping this would change the questionnaire."""
        message = _("还不支持{what}，去掉会改变问卷", what=what)
        self.b.add("error", "unsupported", message, self.sheet.cell(number, "type"))

    def _kind(self, item: dict[str, Any], row: Mapping[str, str], number: int) -> None:
        looks, own = row.get("appearance", "").split(), row.get("minyi_type", "")
        if own in ("rating", "signature", "region", "select_one", "text"):
            item["type"] = own
        elif own:
            cell = self.sheet.cell(number, "minyi_type")
            self.b.add(
                "error",
                "type",
                _("minyi_type 只能写 rating、signature 或 region，这里是“{own}”", own=own),
                cell,
            )
        elif item["type"] == "photo" and "signature" in looks:
            item["type"] = "signature"
        elif item["type"] == "scale" and "rating" in looks:
            item["type"] = "rating"

    def _cells(self, name: str, number: int) -> None:
        column_of = {field: self.b.text_column(self.sheet, field) for field in TEXT_FIELDS}
        column_of |= {end: self.b.text_column(self.sheet, f"minyi_{end}") for end in ("low", "high")}
        for field, column in (column_of | COLUMNS).items():
            self.b.cells.setdefault((name, field), self.sheet.cell(number, column))

    def _written(self, item: dict[str, Any], number: int, row: Mapping[str, str]) -> None:
        for field in TEXT_FIELDS:
            if texts := self.b.texts(row, field):
                item[field] = texts
        plan = (("relevant", "relevant"), ("constraint", "constraint"), ("calculation", "calculation"),
                ("filter", "choice_filter"))  # fmt: skip
        for field, column in plan:
            if row.get(column) and (
                stored := self.b.expression(row[column], self.sheet.cell(number, column))
            ):
                item[field] = stored
        required = row.get("required", "").strip()
        if required.lower() in YES:
            item["required"] = True
        elif required.lower() not in NO and (
            stored := self.b.expression(required, self.sheet.cell(number, "required"))
        ):
            item["required"] = stored
        readonly = row.get("readonly", "").strip()
        if readonly.lower() in YES:
            item["readonly"] = True
        elif readonly.lower() not in NO:
            message = _("readonly 只能写 yes 或 no，这里是“{readonly}”", readonly=readonly)
            self.b.add("error", "readonly", message, self.sheet.cell(number, "readonly"))

    def _choices(self, item: dict[str, Any], number: int, row: Mapping[str, str]) -> None:
        cell = self.sheet.cell(number, "parameters")
        given = pairs(row.get("parameters", ""))
        if item["type"] in ("scale", "rating"):
            self._scale(item, row, given, cell)
            given = {}
        elif item["type"] in CHOICE_TYPES:
            if given.pop("randomize", "").lower() in YES:
                item["order"] = {"random": True}
            if given.pop("seed", ""):
                message = _("seed 没有带过来：顺序由每份答卷自己的编号定，服务器可以复算")
                self.b.add("lost", "parameters", message, cell)
            own = order_of(self.b, row.get("minyi_order", ""), self.sheet.cell(number, "minyi_order"))
            if own:
                item["order"] = own
            limits = limits_of(self.b, row.get("minyi_limits", ""), self.sheet.cell(number, "minyi_limits"))
            item |= {f"{end}_choices": value for end, value in limits.items()}
        if given:
            self.b.add(
                "lost", "parameters", _("参数“{parameters}”没有都带过来", parameters=row["parameters"]), cell
            )

    def _scale(
        self, item: dict[str, Any], row: Mapping[str, str], given: Mapping[str, str], cell: str
    ) -> None:
        try:
            start, end = int(given.get("start", "1")), int(given.get("end", "10"))
            step = float(given.get("step", "1"))
        except ValueError:
            written = row.get("parameters", "")
            message = _(
                "分数题的 parameters 要写成整数，如 start=0 end=10，这里是“{written}”", written=written
            )
            self.b.add("error", "scale", message, cell)
            return
        if step != 1:
            self.b.add(
                "error",
                "scale",
                _("分数题只能一分一档（step=1），这里是 step={step}", step=given["step"]),
                cell,
            )
        if item["type"] == "scale":
            item |= {"from": start, "to": end}
        elif start != 1:
            self.b.add("error", "scale", _("星级题从 1 开始，这里是 start={start}", start=start), cell)
        elif end != 5 or "to" in given:
            item["to"] = end
        low, high = self.b.texts(row, "minyi_low"), self.b.texts(row, "minyi_high")
        if low or high:
            item["ends"] = {"low": low, "high": high}

    def _small(self, item: dict[str, Any], number: int, row: Mapping[str, str]) -> None:
        cell = lambda column: self.sheet.cell(number, column)  # noqa: E731
        for field in ("missing", "with", "topic", "index", "matrix", "root"):
            if row.get(f"minyi_{field}"):
                item[field] = row[f"minyi_{field}"]
        if row.get("minyi_levels"):
            item["levels"] = row["minyi_levels"].split()
        if row.get("minyi_consent", "").lower() in YES:
            item["consent"] = True
        if row.get("minyi_modes"):
            modes = row["minyi_modes"].split()
            if set(modes) <= set(MODES):
                item["modes"] = list(dict.fromkeys(modes))
            else:
                self.b.add("error", "modes", _("minyi_modes 只能写 web 和 door"), cell("minyi_modes"))
        for field in ("seconds", "max_length"):
            text = row.get(f"minyi_{field}", "")
            if text.isascii() and text.isdigit():
                item[field] = int(text)
            elif text and text != "none":
                message = _("minyi_{field} 要写整数，这里是“{text}”", field=field, text=text)
                self.b.add("error", field, message, cell(f"minyi_{field}"))
        if "seconds" not in item and item["type"] != "calculate" and row.get("minyi_seconds") != "none":
            item["seconds"] = default_seconds(item)
        if row.get("minyi_scoring"):
            self._scoring(item, row["minyi_scoring"], cell("minyi_scoring"))

    def _scoring(self, item: dict[str, Any], text: str, cell: str) -> None:
        """`rule` or `rule 5=100 4=75`: the points of each code."""
        points: dict[str, float] = {}
        rule, *rest = text.split()
        for part in rest:
            code, sign, value = part.rpartition("=")
            try:
                points[code] = int(value) if CODE_NUMBER.fullmatch(value) else float(value)
            except ValueError:
                sign = ""
            if not sign:
                message = _("minyi_scoring 要写成 rule 5=100 4=75，这里是“{part}”", part=part)
                self.b.add("error", "scoring", message, cell)
                return
        item["scoring"] = {"rule": rule} | ({"points": points} if points else {})

    def _default(self, item: dict[str, Any], number: int, row: Mapping[str, str]) -> None:
        text, kind = row.get("default", ""), item["type"]
        cell = self.sheet.cell(number, "default")
        if not text:
            return
        if is_computed(text):
            message = _("默认答案只能是写定的答案，不能是算出来的“{text}”；请改用 calculate", text=text)
            self.b.add("error", "default", message, cell)
        elif kind in ("note", "calculate"):
            self.b.add("lost", "default", _("“{kind}”的默认值“{text}”没有带过来", kind=kind, text=text), cell)
        elif kind in (*FILE_TYPES, "place", "acknowledge"):
            self.b.add("error", "default", _("照片、签名、定位和确认要本人来做，不能有默认答案"), cell)
        else:
            item["default"] = default_answer(kind, text)

    def _looks(self, item: dict[str, Any], number: int, row: Mapping[str, str]) -> None:
        looks = row.get("appearance", "").split()
        if "multiline" in looks:
            item["multiline"] = True
        if lost := [look for look in looks if look not in KNOWN_LOOKS]:
            message = _("外观“{looks}”没有带过来，题目照常显示", looks=" ".join(lost))
            self.b.add("lost", "appearance", message, self.sheet.cell(number, "appearance"))
        if item["type"] in CHOICE_TYPES and not item.get("list"):
            self.b.add("error", "choices", _("选择题要写选项表的名字"), self.sheet.cell(number, "type"))


def is_computed(text: str) -> bool:
    """Whether a default is an expression rather than an answer."""
    return "${" in text or bool(re.search(r"\b(today|now|once|uuid|random|concat|if|pulldata)\(", text))


def default_answer(kind: str, text: str) -> Any:
    """A default as an answer of the type; what is none stays text, and the checks say so."""
    code = lambda each: int(each) if CODE_NUMBER.fullmatch(each) and each != "-0" else each  # noqa: E731
    if kind in ("select_multiple", "ranking"):
        return [code(each) for each in text.split()]
    if kind == "date" and text.endswith(" 00:00:00"):  # a date cell of Excel
        return text[:10]
    if kind in NUMBER_TYPES or kind == "select_one":
        try:
            return code(text) if kind == "select_one" or CODE_NUMBER.fullmatch(text) else float(text)
        except ValueError:
            return text
    return text


def default_seconds(item: Mapping[str, Any]) -> int:
    """Stated time when the author gives none: our own working assumption of 4 Chinese characters a second for
    reading aloud at ease, plus 3 seconds to tap, 6 to type a number, 25 to write; paradata replace it."""
    label = (item.get("label") or {}).get("zh-hans") or next(iter((item.get("label") or {}).values()), "")
    act = {"text": 25, "integer": 6, "decimal": 6, "date": 10, "select_multiple": 6, "note": 0}
    return act.get(item["type"], 3) + -(-len(label) // 4)
