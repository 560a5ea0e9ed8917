"""`python -m tests.expressions FILE` takes files from elsewhere: whatever they hold, it ends and counts."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.expressions.__main__ import main
from tests.expressions.engines import NODE, run_javascript, run_python

pytestmark = pytest.mark.skipif(
    NODE is None, reason="this machine has no `node`, which runs the phone's half"
)
VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "expressions").glob("*.json"))
GOOD = [case for path in VECTORS for case in json.loads(path.read_text(encoding="utf-8"))]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(
        [[], {}, [[]], [{}], [None], {"a": 1}, [["person", 99]], [["person", "x"]], "Mars/Phobos"]
    ),
    st.sampled_from(["${a}[1]", "../..", "1e3", "'", "date(1e9)", "-" * 200 + "1", "(" * 200, "position()"]),
)
KEYS = ["expr", "context", "self", "at", "types", "choices", "now", "tz", "locale", "result", "id"]


@st.composite
def odd_cases(draw):
    """Cases of the vectors with one or two places changed."""
    cases = []
    for good in draw(st.lists(st.sampled_from(GOOD), min_size=5, max_size=15)):
        case = json.loads(json.dumps(good))
        for key in draw(st.lists(st.sampled_from(KEYS), max_size=2)):
            inner = case.get(key)
            if isinstance(inner, dict) and inner and draw(st.booleans()):
                inner[draw(st.sampled_from(sorted(inner)))] = draw(ODD)
            elif draw(st.booleans()):
                case[key] = draw(ODD)
            else:
                case.pop(key, None)
        cases.append(case)
    return cases


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(cases=odd_cases())
def test_a_run_ends_with_counts_that_fit_its_exit_code(tmp_path, capsys, cases):
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases), encoding="utf-8")
    code = main([str(file), "--quiet"])
    printed = capsys.readouterr().out
    counted = re.findall(r"^\w+: (\d+) passed, (\d+) failed, (\d+) unsupported$", printed, re.MULTILINE)
    stated = sum("result" in case for case in cases)
    assert [sum(map(int, counts)) for counts in counted] == [stated] * 2
    assert code == int(any(failed != "0" or unsupported != "0" for _passed, failed, unsupported in counted))


@settings(max_examples=25, deadline=None, database=None)
@given(cases=odd_cases())
def test_no_odd_case_breaks_an_engine_or_sets_them_apart(cases):
    for case, here, there in zip(cases, run_python(cases), run_javascript(cases), strict=True):
        assert "broke" not in here.get("odd", "") + there.get("odd", ""), case
        assert here.keys() == there.keys(), case


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is no JSON"),
        (b"{}", "is no JSON array"),
        (b"\xff", "is no JSON in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_holds_no_cases_is_said_and_fails(tmp_path, capsys, content, said):
    file = tmp_path / "cases.json"
    if content is not None:
        file.write_bytes(content)
    assert main([str(file)]) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tz": "Mars/Phobos"}, "tz is no time zone"),
        ({"now": "yesterday"}, "now is no instant"),
        ({"at": [["person"]]}, "at is no list of"),
        ({"context": {"a": [1]}}, "a is no stored answer"),
        ({"context": {"a": float("nan")}}, "a is no finite number"),
        ({"result": {"type": "number", "value": "many"}}, "result is not understood"),
        ({"result": {"type": "number", "value": 2, "tolerance": "much"}}, "odd tolerance"),
        ({"expr": 5}, "expr is no text"),
    ],
)
def test_a_case_that_is_not_understood_fails_with_its_reason(tmp_path, capsys, change, reason):
    file = tmp_path / "cases.json"
    good = {"id": "x", "expr": "1 + 1", "context": {}, "result": {"type": "number", "value": 2}}
    file.write_text(json.dumps([good, good | change, "no case"]), encoding="utf-8")
    assert main([str(file)]) == 1
    printed = capsys.readouterr().out
    assert reason in printed
    assert "Python: 1 passed, 2 failed, 0 unsupported" in printed
    assert "JavaScript: 1 passed, 2 failed, 0 unsupported" in printed


def test_an_engine_that_breaks_does_not_pass_for_the_error_that_a_case_asks_for():
    wanted = {"expr": "1 +", "result": {"type": "error", "value": None}}
    assert [set(got) for got in run_python([wanted, {"expr": 5}])] == [{"error"}, {"odd"}]


def test_nan_and_null_are_read_as_they_are_meant(tmp_path):
    cases = [
        {"expr": "0 div 0", "result": {"type": "number", "value": float("nan")}},
        {"expr": "1 div 0", "result": {"type": "number", "value": float("inf")}},
        {
            "expr": "${a} = ''",
            "context": {"a": None},
            "at": None,
            "result": {"type": "boolean", "value": True},
        },
    ]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases), encoding="utf-8")
    assert main([str(file)]) == 0
