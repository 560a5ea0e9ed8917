"""Random documents with every type and part, and random answer sheets: valid, invalid and hostile."""

from survey.questionnaires.document import expression, format_for
from tests.survey.questionnaires.forms import document, item

SEED = "3f2b6c1e-0000-4000-8000-{:012x}"
CONSTRAINTS = [
    ". > 3",
    "selected(., 'b')",
    "string-length(.) < 4",
    ". != ''",
    "date(.) > 9",
    "contains(., '3')",
    ". != ' 2026-11-22'",
]
TYPES = [
    *(
        "select_one",
        "select_one",
        "select_multiple",
        "select_multiple",
        "ranking",
        "integer",
        "decimal",
        "scale",
    ),
    *("rating", "text", "date", "time", "datetime", "region", "place", "photo", "signature", "acknowledge"),
]
TEXTS = [
    *("", " ", "a", "路灯 坏了", "５", "12", "-2", "😀", "x" * 501, "\x00b", "a\r\nb", "2026-11-22", "1 b"),
    "\ud800",
]
LITERALS = [
    *("0", "1", "2.5", "-1", "96", "1000000000000", "true()", "false()"),
    *("''", "'b'", "'1'", "' 3 '", "'a b'", "'2026-11-22'", "'路灯'", "'10:30'", "'2026-11-22T10:30'"),
    *("-2.5", "0.45", "12345.678", "(0 div 0)", "(1 div 0)", "today()", "now()"),
]
CALLS = [
    *("not({a})", "boolean({a})", "number({a})", "string({a})", "int({a})", "round({a},{b})", "pow({a},2)"),
    *("min({a},{b})", "max({a},{b})", "checklist(1,2,{a},{b})", "coalesce({a},{b})", "if({a},{b},{c})"),
    *("selected({a},{b})", "count-selected({a})", "selected-at({a},{b})", "once({a})", "concat({a},{b})"),
    *("substr({a},{b},{c})", "substring({a},{b})", "string-length({a})", "contains({a},{b})"),
    *("translate({a},{b},{c})", "normalize-space({a})", "regex({a},'[0-9a-c]+')"),
    *("date({a})", "date-time({a})", "format-date({a},'%Y%m%d%a %H:%M')", "decimal-date-time({a})"),
    *(
        "abs({a})",
        "floor({a})",
        "ceiling({a})",
        "sum({r})",
        "count-non-empty({r})",
        "jr:choice-name({a},'{r}')",
    ),
    *("substring-before({a},{b})", "substring-after({a},{b})", "starts-with({a},{b})", "ends-with({a},{b})"),
    *(
        "join({a},{b},{c})",
        "boolean-from-string({a})",
        "weighted-checklist(1,-1,{a},{b})",
        "decimal-time({a})",
    ),
]
# {r} an item, {g} a repeat, {n} the bare name of an item.
REPEATED = [
    *(
        "count({g})",
        "sum({r})",
        "max({r},{a})",
        "join(',',{r})",
        "count({g}[{n} > {a}])",
        "sum({g}[{n}={a}]/{n})",
    ),
    *("indexed-repeat({r},{g},{a})", "indexed-repeat({r},{g},position(..) - 1)", "position(..)", "../{n}"),
    *(
        "count-non-empty({g}[position() < last()]/{n})",
        "{g}[1]/{n}",
        "{r}[2]",
        "position({g})",
        "count(../{n})",
    ),
]
FILTERS = [
    *(
        "name = '01'",
        "area = 's'",
        "size > {a}",
        "area = {r}",
        "name != {r}",
        "selected({r}, name)",
        "nothing = {a}",
    ),
    *(
        "area = 'n' or size < {r}",
        "date(area) = 1",
        "position() < 3",
        "size",
        "count({g}[{n} > size]) > 0",
        "{a}",
    ),
]
AREAS = [
    {"code": 1, "label": {"zh-hans": "甲"}, "columns": {"area": "s", "size": "1"}},
    {"code": "b", "label": {"zh-hans": "乙"}, "columns": {"area": "n", "size": "2"}},
    {"code": 3, "label": {"zh-hans": "丙"}, "columns": {"area": "2026-11-22", "size": "3"}},
    {"code": 9, "label": {"zh-hans": "都没有"}, "exclusive": True},
    {"code": 96, "label": {"zh-hans": "其他"}, "specify": True, "columns": {"size": "x"}},
    {"code": 4, "label": {"zh-hans": "丁"}, "columns": {"area": "s"}},
    {"code": -1, "label": {"zh-hans": "不了解"}, "missing": "dont_know"},
]
FILE = {"id": "3F2B6C1E-1111-4111-8111-111111111111", "sha256": "Ab" * 32, "bytes": 5}
FITTING = {
    "select_one": [5, 4, "3", -1, -2, -4, 7, 5.0, 1, "b", 96, {"code": 5}],
    "select_multiple": [
        [1],
        ["b", 1],
        [9],
        [9, 1],
        [96, "1"],
        [-1],
        [-1, 1],
        "1 b",
        -2,
        [],
        [[1]],
        [1, 1],
        [4, 3, 1],
    ],
    "ranking": [[5, 4, 3, 2, 1], [1, "2"], [3], "5 1 2", [5, 5], [-2], [5, -2], [9], 3, [], " ", [None]],
    "integer": [0, 5, 45, -2, "17", "４", 3.5, 1e15, "x", True],
    "decimal": [0, 0.1, -2, "3.25", ".5", 1e-7, 123456789.125, "1e3", -0.0],
    "scale": [0, 10, 7, "3", 11, -1],
    "rating": [1, 5, "3", 0, 6, 10, 2.5, "五"],
    "date": ["2026-11-22", "2024-02-29", "2026-02-30", "1900-01-01", -2, "x", 5],
    "time": ["10:30", "9:05", "23:59:59", "24:00", "10:60", "１０：３０", "10:30:00.000", -2, 5, ""],
    "datetime": [
        "2026-11-22T10:30",
        "2026-11-22 08:00:30",
        "2026-02-30T10:30",
        "2026-11-22",
        -2,
        "2026-11-22T25:00",
    ],
    "region": [
        "370102001001",
        "370102001000",
        "370102000000",
        "370103001001",
        "37010200100",
        370102001001,
        -2,
    ],
    "place": [
        {"lat": 36.65, "lon": 117.12, "accuracy": 12.5},
        {"lat": -0.0, "lon": 180, "accuracy": 0, "more": 1},
        *({"lat": 91, "lon": 0, "accuracy": 1}, {"lat": 1, "lon": 2}, {"lat": True, "lon": 2, "accuracy": 1}),
        *(
            "36.65 117.12 0 8",
            "36.65 117.12",
            "36.65",
            "x y",
            -2,
            [],
            {},
            {"lat": 1, "lon": 2, "accuracy": None},
        ),
    ],
    "photo": [
        FILE,
        FILE | {"bytes": 5.0},
        FILE | {"bytes": 0},
        FILE | {"id": "x"},
        FILE | {"more": 1},
        "x",
        -2,
        {},
    ],
    "acknowledge": ["OK", True, False, " OK ", "ok", 1, -2],
    "text": [*TEXTS, -2, 3],
    "note": ["x", 1],
    "calculate": [1, "x"],
}
FITTING["signature"] = FITTING["photo"]
STRANGE = ["stranger", "__proto__", "constructor", "member", "hasOwnProperty"]
BAD_ROWS = [
    None,
    "",
    "x",
    5,
    {},
    {"q0": 1},
    [1],
    ["x", {}],
    [[]],
    [None],
    [{"stranger": 1, "__proto__": 2}] * 2,
]


def condition(rng, names, depth=2, repeats=(), extra=()):
    """An expression over `names`, of any type; some of them without a value."""
    kind = rng.choice(
        ["literal", "ref", "ref", *(["compare", "logic", "sum", "call", "call"] if depth else [])]
    )
    if kind == "literal":
        return rng.choice(LITERALS)
    if kind == "ref":
        return "${" + rng.choice(names) + "}"
    one, two, three = (condition(rng, names, depth - 1, repeats) for _part in range(3))
    if kind == "call":
        name = rng.choice(names)
        calls = extra or (CALLS + REPEATED if repeats else CALLS)
        group = rng.choice(repeats or names)
        return rng.choice(calls).format(a=one, b=two, c=three, r=f"${{{name}}}", g=f"${{{group}}}", n=name)
    signs = {"compare": ["=", "!=", "<", "<=", ">", ">="], "logic": ["and", "or"]}
    return f"({one} {rng.choice(signs.get(kind, ['+', '-', '*', 'div', 'mod']))} {two})"


def _order(rng):
    return {"random": True, "first": rng.randint(0, 1), "last": rng.randint(0, 1), "all": rng.random() < 0.3}


def _parts(rng, kind, names, repeats):
    """Parts that only some types have."""
    more = {}
    if kind in ("select_one", "select_multiple") and rng.random() < 0.6:
        more["list"] = "areas"
    if kind == "ranking":
        more["list"] = rng.choice(["satisfied", "areas"])
    if kind in ("select_multiple", "ranking") and rng.random() < 0.6:
        more[rng.choice(["min_choices", "max_choices"])] = rng.randint(1, 4)
    if more.get("list") == "areas" and rng.random() < 0.6:
        text = rng.choice(FILTERS).format(
            a=condition(rng, names, 1, repeats),
            r="${" + rng.choice(names) + "}",
            g="${" + rng.choice(repeats or names) + "}",
            n=rng.choice(names),
        )
        more["filter"] = expression(text)
    if kind in ("select_one", "select_multiple", "ranking") and rng.random() < 0.4:
        more["order"] = _order(rng)
    if kind == "rating" and rng.random() < 0.5:
        more["to"] = rng.randint(3, 10)
    if kind == "region":
        more |= {"root": "370102000000", "levels": ["street", rng.choice(["community"])]}
    return more


def random_item(rng, name, names, repeats=()):
    """An item of any type, with conditions over all names, so that some wait for later ones."""
    kind = rng.choice([*TYPES, *["calculate"] * 8, "note"])
    answered = kind in TYPES
    more = _parts(rng, kind, names, repeats)
    if kind == "calculate":
        more["calculation"] = condition(rng, names, 2, repeats)
    elif rng.random() < 0.5 and more.get("list") != "areas":
        more["missing"] = rng.choice(["dk", "skip"])
    if rng.random() < 0.3:
        more["relevant"] = condition(rng, names, 2, repeats)
    if answered and rng.random() < 0.4:
        more["constraint"] = rng.choice(CONSTRAINTS)
    if answered and rng.random() < 0.5:
        more["required"] = rng.choice([True, condition(rng, names, 1, repeats)])
    if answered and rng.random() < 0.2:
        more["default"] = rng.choice(FITTING[kind])
        more["readonly"] = rng.random() < 0.3
    if rng.random() < 0.15:
        more["modes"] = ["door"]
    return item(name, kind, **more)


def random_document(rng):
    """Two to four blocks of two to twelve items together, some of them repeats.

    In half of the documents conditions look only at what comes before, as in one that can be published; in
    the others they look anywhere, so that some wait for each other.
    """
    names = [f"q{number}" for number in range(rng.randint(2, 12))]
    cuts = sorted({0, *(rng.randrange(len(names)) for _cut in range(rng.randint(1, 3)))})
    spans = list(zip(cuts, [*cuts[1:], len(names)], strict=True))
    repeats = [f"g{place}" for place in range(len(spans)) if rng.random() < 0.4]
    forward = rng.random() < 0.5
    blocks = []
    for place, (start, end) in enumerate(spans):
        near = [group for group in repeats if forward or int(group[1:]) < place]
        inner = near if forward else [group for group in repeats if int(group[1:]) <= place]
        block = {"name": f"g{place}", "items": []}
        for number in range(start, end):
            known = names if forward else names[: max(1, number)]
            block["items"].append(random_item(rng, names[number], known, inner))
        known = names if forward else names[: max(1, start)]
        if rng.random() < 0.3:
            block["relevant"] = expression(condition(rng, known, 2, near))
        if rng.random() < 0.3:
            block["order"] = _order(rng)
        if block["name"] in repeats:
            block["repeat"] = _repeat(rng, known, near)
        blocks.append(block)
    if rng.random() < 0.2:
        blocks.insert(0, {"name": "home", "kind": "household", "method": "kish"})
    doc = document(blocks=blocks)
    doc["choice_lists"] = doc["choice_lists"] | {"areas": AREAS}
    doc["matrices"] = _matrices(rng, doc)
    wheres = [condition(rng, names, 2, repeats) for _quota in range(rng.randint(0, 2))]
    label = {"zh-hans": "配额"}
    doc["quotas"] = [
        {"name": f"c{place}", "label": label, "where": expression(text), "limit": 5}
        for place, text in enumerate(wheres)
    ]
    doc["format"] = format_for(doc)
    return doc


def _repeat(rng, names, repeats):
    repeat = {"label": {"zh-hans": "第 {0} 位"}}
    if rng.random() < 0.5:
        number = rng.choice(["2", "3", "2.7", "99", condition(rng, names, 2, repeats)])
        repeat["count"] = expression(number)
    else:
        repeat["min"] = rng.randint(0, 2)
    if rng.random() < 0.5:
        repeat["max"] = rng.randint(1, 3)
    return repeat


def _matrices(rng, doc):
    """Neighbours made rows of a matrix; what its rows ask does not matter to the logic."""
    block = rng.choice(doc["blocks"])
    rows = block.get("items", [])[:3]
    if len(rows) < 2 or rng.random() < 0.6:
        return {}
    for row in rows:
        row["matrix"] = "m"
    return {"m": {"label": {"zh-hans": "题干"}, "order": _order(rng)}}


def _row(rng, items, fitting):
    """Answers of one form or instance; `fitting` ones are of their type and mostly valid."""
    answers = {}
    for each in items:
        if rng.random() < (0.95 if fitting else 0.75):
            kind = each["type"] if fitting or rng.random() < 0.9 else rng.choice(TYPES)
            known = FITTING[kind]
            answers[each["name"]] = rng.choice(known[:3] if fitting else known)
        elif rng.random() < 0.1:
            answers[each["name"]] = rng.choice([None, "", []])
    return answers


def sheet(rng, doc):
    """Random raw answers: in half of the sheets fitting ones, in the others mixed, in some hostile."""
    answers, fitting = {}, rng.random() < 0.5
    for block in doc["blocks"]:
        items = block.get("items", [])
        if "repeat" not in block:
            answers |= _row(rng, items, fitting)
        elif fitting or rng.random() < 0.85:
            number = rng.choice([1, 2, 3] if fitting else [0, 1, 2, 2, 3, 5])
            answers[block["name"]] = [_row(rng, items, fitting) for _instance in range(number)]
        elif rng.random() < 0.5:
            answers[block["name"]] = rng.choice(BAD_ROWS)
    if not fitting and rng.random() < 0.2:
        answers[rng.choice(STRANGE)] = rng.choice([1, "x", [], {}, [{}]])
    return answers
