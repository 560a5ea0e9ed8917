"""How many arguments each function takes, and what kind of value it gives.

`None` as the upper bound means any number. The kinds serve the checks at publish time.
Sources: the XLSForm function list of https://docs.getodk.org/form-operators-functions/ and the XPath 1.0
core functions; the same table, without kinds, is in `expressions.js`.
"""

from survey.questionnaires.said import said as _

SIGNATURES: dict[str, tuple[int, int | None, str]] = {
    "true": (0, 0, "boolean"),
    "false": (0, 0, "boolean"),
    "not": (1, 1, "boolean"),
    "boolean": (1, 1, "boolean"),
    "boolean-from-string": (1, 1, "boolean"),
    "number": (0, 1, "number"),
    "string": (0, 1, "string"),
    "int": (1, 1, "number"),
    "round": (1, 2, "number"),
    "abs": (1, 1, "number"),
    "floor": (1, 1, "number"),
    "ceiling": (1, 1, "number"),
    "pow": (2, 2, "number"),
    "sqrt": (1, 1, "number"),
    "exp": (1, 1, "number"),
    "exp10": (1, 1, "number"),
    "log": (1, 1, "number"),
    "log10": (1, 1, "number"),
    "sin": (1, 1, "number"),
    "cos": (1, 1, "number"),
    "tan": (1, 1, "number"),
    "asin": (1, 1, "number"),
    "acos": (1, 1, "number"),
    "atan": (1, 1, "number"),
    "atan2": (2, 2, "number"),
    "pi": (0, 0, "number"),
    "min": (1, None, "number"),
    "max": (1, None, "number"),
    "sum": (1, 1, "number"),
    "count": (1, 1, "number"),
    "count-non-empty": (1, 1, "number"),
    "position": (0, 1, "number"),
    "last": (0, 0, "number"),
    "concat": (0, None, "string"),
    "join": (1, None, "string"),
    "string-length": (0, 1, "number"),
    "normalize-space": (0, 1, "string"),
    "contains": (2, 2, "boolean"),
    "starts-with": (2, 2, "boolean"),
    "ends-with": (2, 2, "boolean"),
    "substr": (2, 3, "string"),
    "substring": (2, 3, "string"),
    "substring-before": (2, 2, "string"),
    "substring-after": (2, 2, "string"),
    "translate": (3, 3, "string"),
    "regex": (2, 2, "boolean"),
    "selected": (2, 2, "boolean"),
    "selected-at": (2, 2, "string"),
    "count-selected": (1, 1, "number"),
    "jr:choice-name": (2, 2, "string"),
    "if": (3, 3, "any"),
    "coalesce": (2, 2, "any"),
    "once": (1, 1, "any"),
    "current": (0, 0, "any"),
    "checklist": (2, None, "boolean"),
    "weighted-checklist": (2, None, "boolean"),
    "indexed-repeat": (3, None, "any"),
    "date": (1, 1, "date"),
    "date-time": (1, 1, "date"),
    "today": (0, 0, "date"),
    "now": (0, 0, "date"),
    "decimal-date-time": (1, 1, "number"),
    "decimal-time": (1, 1, "number"),
    "format-date": (2, 2, "string"),
    "format-date-time": (2, 2, "string"),
}

# Known to XLSForm, refused by Minyi, each with its reason.
REFUSED: dict[str, str] = {
    "random": _("每次结果不同，服务器没法复核"),
    "uuid": _("每次结果不同，服务器没法复核"),
    "pulldata": _("不带外部数据表"),
    "instance": _("不带外部数据表"),
    "randomize": _("选项随机请用选项顺序设置"),
    "digest": _("不提供摘要计算"),
    "base64-decode": _("不提供编码转换"),
    "area": _("不提供地理计算"),
    "distance": _("不提供地理计算"),
    "geofence": _("不提供地理计算"),
    "intersects": _("不提供地理计算"),
    "property": _("不读取设备信息"),
    "version": _("请用问卷版本号"),
    "jr:itext": _("请直接写各语言的文字"),
}


def arity_error(name: str, count: int) -> str | None:
    """The Chinese reason why `name` cannot take `count` arguments, or None."""
    low, high, _kind = SIGNATURES[name]
    if count >= low and (high is None or count <= high):
        paired = {"weighted-checklist": 2, "indexed-repeat": 1}
        if name in paired and count % 2 != paired[name] % 2:
            return _("函数 {name}() 的参数要成对", name=name)
        return None
    given = {"name": name, "low": low, "count": count}
    if low == high:
        return _("函数 {name}() 要 {low} 个参数，这里写了 {count} 个", **given)
    if high is None:
        return _("函数 {name}() 要至少 {low} 个参数，这里写了 {count} 个", **given)
    return _("函数 {name}() 要 {low} 到 {high} 个参数，这里写了 {count} 个", high=high, **given)
