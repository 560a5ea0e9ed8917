"""Small documents and workbooks for the tests of this folder."""

from io import BytesIO

from openpyxl import Workbook

from survey.questionnaires.document import FORMAT, expression

SATISFIED = [{"code": code, "label": {"zh-hans": f"选项{code}"}} for code in (5, 4, 3, 2, 1)]
DONT_KNOW = {"code": -1, "label": {"zh-hans": "不了解"}, "missing": "dont_know"}
SKIP = {"code": -2, "label": {"zh-hans": "跳过这题"}, "missing": "refused"}
NAMED = [
    {"code": 1, "label": {"zh-hans": "甲"}},
    {"code": "b", "label": {"zh-hans": "乙"}},
    {"code": 9, "label": {"zh-hans": "都没有"}, "exclusive": True},
    {"code": 96, "label": {"zh-hans": "其他"}, "specify": True},
]


def item(name, kind, **more):
    """An item with a label; expressions are given as text."""
    made = {"name": name, "type": kind}
    if kind != "calculate":
        made["label"] = {"zh-hans": f"题目 {name}"}
    if kind in ("select_one", "select_multiple"):
        made["list"] = "satisfied" if kind == "select_one" else "named"
    if kind == "scale":
        made |= {"from": 0, "to": 10}
    for field, value in more.items():
        if field in ("relevant", "constraint", "calculation") or (
            field == "required" and isinstance(value, str)
        ):
            value = expression(value)
        made[field] = value
    return made


def document(*items, **more):
    """One block with `items`; `blocks` overrides."""
    return {
        "format": FORMAT,
        "name": "small",
        "version": "1",
        "title": {"zh-hans": "小问卷"},
        "languages": ["zh-hans"],
        "default_language": "zh-hans",
        "timezone": "Asia/Shanghai",
        "choice_lists": {
            "satisfied": SATISFIED,
            "named": NAMED,
            "dk": [DONT_KNOW, SKIP],
            "skip": [SKIP],
        },
        "blocks": [{"name": "block", "items": list(items)}],
    } | more


def workbook(survey, choices=(), settings=(("form_title", "form_id"), ("小问卷", "small"))):
    """Bytes of an .xlsx with these rows (tuples; the first is the header)."""
    book = Workbook()
    book.active.title = "survey"
    for row in survey:
        book.active.append(row)
    for name, rows in (("choices", choices), ("settings", settings)):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = BytesIO()
    book.save(out)
    return out.getvalue()
