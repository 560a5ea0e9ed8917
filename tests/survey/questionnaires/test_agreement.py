"""Random documents and answers: the server and the phone agree on what is shown, valid, kept and offered.

Hypothesis draws the seeds; a batch of documents goes through one call of node. `make proof ARGS=agreement`
does 10,000 answer sheets.
"""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from survey.questionnaires.checking import check_document
from survey.questionnaires.validation import validate_answers
from tests.expressions.engines import NODE, run_javascript, run_python
from tests.survey.questionnaires.agreement import NOW, compare, jobs_for, same
from tests.survey.questionnaires.random_forms import condition, random_document

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # a seed has nothing to shrink

needs_node = pytest.mark.skipif(
    NODE is None, reason="this machine has no `node`, which runs the phone's half"
)


@needs_node
@settings(max_examples=3, deadline=None, phases=PHASES, derandomize=True)
@given(st.integers(0, 2**63))
def test_server_and_phone_agree_on_random_documents(seed):
    wrong, met = compare(seed, documents=60, sheets=5)
    assert wrong == []
    assert min(met.values()) > 0


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


@needs_node
@settings(max_examples=3, deadline=None, phases=PHASES, derandomize=True)
@given(st.integers(0, 2**63))
def test_server_and_phone_agree_on_random_expressions(seed):
    rng = random.Random(seed)
    cases = [random_case(rng) for _one in range(500)]
    for case, here, there in zip(cases, run_python(cases), run_javascript(cases), strict=True):
        assert same_reading(here, there), (case, here, there)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**63))
def test_the_random_documents_are_documents(seed):
    """The comparison would be worth little on documents whose shape publishing refuses."""
    problems = check_document(random_document(random.Random(seed)))
    assert not [problem for problem in problems if problem.code in ("shape", "format")]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 2**63))
def test_accepted_answers_are_read_again_without_change(seed):
    rng = random.Random(seed)
    docs = [random_document(rng) for _one in range(10)]
    for job in jobs_for(rng, docs, 5):
        doc = docs[job["document"]]
        if any(problem.code == "cycle" for problem in check_document(doc)):
            continue
        done = validate_answers(doc, job["answers"], job["mode"], now=NOW)
        again = validate_answers(doc, done.clean, job["mode"], now=NOW, defaults=False)
        if not done.errors:
            assert (again.clean, again.path) == (done.clean, done.path)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 2**63))
def test_what_is_reported_as_unreachable_is_reached_by_nobody(seed):
    rng = random.Random(seed)
    docs = [random_document(rng) for _one in range(10)]
    hopeless = {}
    for number, doc in enumerate(docs):
        for problem in check_document(doc):
            if problem.code == "unreachable":
                hopeless.setdefault(number, set()).add(problem.where.split(".")[0])
    for job in jobs_for(rng, docs, 10):
        doc = docs[job["document"]]
        done = validate_answers(doc, job["answers"], job["mode"], now=NOW)
        if any(error.code == "constraint" for error in done.errors):  # constraints are part of the argument
            continue
        blocks = {i["name"]: b["name"] for b in doc["blocks"] for i in b.get("items", [])}
        met = {place.split(".")[-1] for place in done.path}
        assert not (met | {blocks[name] for name in met}) & hopeless.get(job["document"], set())
