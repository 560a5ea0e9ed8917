"""Random documents and answers: the server and the phone agree on what is shown, valid and kept.

Hypothesis draws the seeds; a batch of documents goes through one call of node. `MINYI_AGREEMENT_RUNS` sets
the number of answer sheets (10,000 in `make proof`).
"""

import math
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from survey.questionnaires.checking import check_document
from survey.questionnaires.validation import validate_answers
from tests.expressions.engines import NODE, run_javascript, run_node, run_python
from tests.survey.questionnaires.forms import document, item

SCRIPT = Path(__file__).with_name("validate.js")
RUNS = int(os.environ.get("MINYI_AGREEMENT_RUNS", "2500"))
BATCH, SHEETS = 100, 5  # documents for each call of node, answer sheets for each document
CONSTRAINTS = [". > 3", "selected(., 'b')", "string-length(.) < 4", ". != ''", "date(.) > 9"]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # a seed has nothing to shrink
NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    NODE is None, reason="this machine has no `node`, which runs the phone's half"
)

TYPES = ["select_one", "select_multiple", "integer", "decimal", "scale", "text", "date"]
TEXTS = [
    "",
    " ",
    "a",
    "路灯 坏了",
    "５",
    "12",
    "-2",
    "😀",
    "x" * 501,
    "\x00b",
    "a\r\nb",
    "2026-11-22",
    "1 b",
    "\ud800",
]

LITERALS = [
    *("0", "1", "2.5", "-1", "96", "1000000000000", "true()", "false()"),
    *("''", "'b'", "'1'", "' 3 '", "'a b'", "'2026-11-22'", "'路灯'"),
    *("-2.5", "0.45", "12345.678", "(0 div 0)", "(1 div 0)", "today()", "now()"),
]
CALLS = [
    *("not({a})", "boolean({a})", "number({a})", "string({a})", "int({a})", "round({a},{b})", "pow({a},2)"),
    *("min({a},{b})", "max({a},{b})", "checklist(1,2,{a},{b})", "coalesce({a},{b})", "if({a},{b},{c})"),
    *("selected({a},{b})", "count-selected({a})", "selected-at({a},{b})", "once({a})", "concat({a},{b})"),
    *("substr({a},{b},{c})", "substring({a},{b})", "string-length({a})", "contains({a},{b})"),
    *("translate({a},{b},{c})", "normalize-space({a})", "regex({a},'[0-9a-c]+')"),
    *("date({a})", "date-time({a})", "format-date({a},'%Y%m%d%a %H:%M')", "decimal-date-time({a})"),
    *("abs({a})", "floor({a})", "ceiling({a})", "sum(${{q0}})", "count-non-empty(${{q1}})"),
    *("substring-before({a},{b})", "substring-after({a},{b})", "starts-with({a},{b})", "ends-with({a},{b})"),
    *(
        "join({a},{b},{c})",
        "boolean-from-string({a})",
        "weighted-checklist(1,-1,{a},{b})",
        "decimal-time({a})",
    ),
]


def condition(rng, names, depth=2):
    """An expression over `names`, of any type; some of them without a value."""
    kind = rng.choice(
        ["literal", "ref", "ref", *(["compare", "logic", "sum", "call", "call"] if depth else [])]
    )
    if kind == "literal":
        return rng.choice(LITERALS)
    if kind == "ref":
        return "${" + rng.choice(names) + "}"
    one, two, three = (condition(rng, names, depth - 1) for _part in range(3))
    if kind == "call":
        return rng.choice(CALLS).format(a=one, b=two, c=three)
    signs = {"compare": ["=", "!=", "<", "<=", ">", ">="], "logic": ["and", "or"]}
    return f"({one} {rng.choice(signs.get(kind, ['+', '-', '*', 'div', 'mod']))} {two})"


def random_item(rng, name, names):
    """An item of any type, with conditions over all names, so that some wait for later ones."""
    kind = rng.choice([*TYPES, *["calculate"] * 5, "note"])
    more = {}
    if kind == "calculate":
        more["calculation"] = condition(rng, names)
    elif rng.random() < 0.5:
        more["missing"] = rng.choice(["dk", "skip"])
    if rng.random() < 0.3:
        more["relevant"] = condition(rng, names)
    if kind in TYPES and rng.random() < 0.5:
        more["constraint"] = rng.choice(CONSTRAINTS)
    if kind in TYPES and rng.random() < 0.5:
        more["required"] = rng.choice([True, condition(rng, names, 1)])
    if rng.random() < 0.15:
        more["modes"] = ["door"]
    return item(name, kind, **more)


def random_document(rng):
    """Two blocks of two to ten items together; the second may have a condition."""
    names = [f"q{number}" for number in range(rng.randint(2, 10))]
    items = [random_item(rng, name, names) for name in names]
    cut = rng.randint(1, len(items) - 1)
    second = {"name": "second", "items": items[cut:]}
    if rng.random() < 0.5:
        second["relevant"] = item("x", "text", relevant=condition(rng, names))["relevant"]
    return document(blocks=[{"name": "first", "items": items[:cut]}, second])


def sheet(rng, doc):
    """Random raw answers, mostly of a fitting kind, sometimes of none."""
    fitting = {
        "select_one": [5, 4, "3", -1, -2, -4, 7, 5.0],
        "select_multiple": [[1], ["b", 1], [9], [9, 1], [96, "1"], [-1], [-1, 1], "1 b", -2, [], [[1]]],
        "integer": [0, 5, 45, -2, "17", "４", 3.5, 1e15, "x", True],
        "decimal": [0, 0.1, -2, "3.25", ".5", 1e-7, 123456789.125, "1e3"],
        "scale": [0, 10, 7, "3", 11, -1],
        "date": ["2026-11-22", "2024-02-29", "2026-02-30", "1900-01-01", -2, "x", 5],
        "text": [*TEXTS, -2, 3],
        "note": ["x", 1],
        "calculate": [1, "x"],
    }
    answers = {}
    for block in doc["blocks"]:
        for each in block["items"]:
            if rng.random() < 0.75:
                kind = each["type"] if rng.random() < 0.9 else rng.choice(TYPES)
                answers[each["name"]] = rng.choice(fitting[kind])
    if rng.random() < 0.05:
        answers["stranger"] = 1
    return answers


def same(a, b):
    """Equal, where numbers may differ in the last digits that pow() leaves to the machine."""
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a == b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-300)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def compare(rng, docs):
    """Send SHEETS answer sheets for each document through both sides; the number compared."""
    jobs = [
        {
            "document": number,
            "answers": sheet(rng, doc),
            "mode": rng.choice(["web", "door"]),
            "now": NOW.timestamp() * 1000,
            "language": "zh-hans",
            "partial": rng.random() < 0.2,
        }
        for number, doc in enumerate(docs)
        for _again in range(SHEETS)
    ]
    for job, got in zip(jobs, run_node(SCRIPT, [{"documents": docs, "jobs": jobs}])[0], strict=True):
        doc = docs[job["document"]]
        here = validate_answers(
            doc, job["answers"], job["mode"], now=NOW, language="zh-hans", partial=job["partial"]
        )
        assert here.path == got["path"], (doc, job)
        errors = sorted((error["name"], error["code"]) for error in got["errors"])
        assert sorted((error.name, error.code) for error in here.errors) == errors, (doc, job)
        assert same(here.clean, got["clean"]), (here.clean, got["clean"], doc, job)
    return len(jobs)


@settings(max_examples=max(1, RUNS // (SHEETS * BATCH)), deadline=None, phases=PHASES)
@given(st.integers(0, 2**63))
def test_server_and_phone_agree_on_random_documents(seed):
    rng = random.Random(seed)
    assert compare(rng, [random_document(rng) for _one in range(BATCH)]) == SHEETS * BATCH


STORED = [
    "",
    "a b",
    "5",
    "-1",
    "2026-11-22",
    "2024-02-29T23:30:00.000Z",
    "x",
    " 7",
    "😀路灯",
    0,
    3,
    -2.5,
    1e21,
    1e-7,
]
KINDS = ["", "", "", "date", "dateTime"]
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata"]


def random_case(rng):
    """One expression in the middle of five stored answers."""
    names = [f"q{number}" for number in range(5)]
    return {
        "expr": condition(rng, names, 3),
        "context": {name: rng.choice(STORED) for name in names},
        "types": {name: rng.choice(KINDS) for name in names},
        "self": rng.choice(STORED),
        "now": "2026-03-08T17:30:00.250Z",
        "tz": rng.choice(ZONES),
        "locale": rng.choice(["en", "zh-hans", "zh-hant"]),
    }


def same_reading(here, there):
    """Equal readings, or an error on both sides."""
    if "error" in here or "error" in there:
        return "error" in here and "error" in there
    return here["boolean"] == there["boolean"] and (
        here["string"] == there["string"] and same(here["number"], there["number"])
    )


@settings(max_examples=max(1, RUNS // 500), deadline=None, phases=PHASES)
@given(st.integers(0, 2**63))
def test_server_and_phone_agree_on_random_expressions(seed):
    rng = random.Random(seed)
    cases = [random_case(rng) for _one in range(1000)]
    for case, here, there in zip(cases, run_python(cases), run_javascript(cases), strict=True):
        assert same_reading(here, there), (case, here, there)


@given(st.integers(0, 2**63))
def test_the_random_documents_are_documents(seed):
    """The comparison would be worth little on documents whose shape publishing refuses."""
    problems = check_document(random_document(random.Random(seed)))
    assert not [problem for problem in problems if problem.code == "shape"]
