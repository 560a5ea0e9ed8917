"""The server and the phone read 10,000 random answer sheets of random documents alike."""

import random

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from survey.questionnaires.checking import check_document
from tests.expressions.engines import NODE, run_javascript, run_python
from tests.survey.questionnaires.agreement import compare
from tests.survey.questionnaires.random_forms import random_document
from tests.survey.questionnaires.test_agreement import PHASES, random_case, same_reading

TITLE = "The phone and the server apply a questionnaire's rules alike"
CLAIM = (
    "Random documents (every question type, blocks, repeats with and without a number, filters over "
    "choice columns, defaults, read-only items, limits, matrices, random orders, quotas, calculations and "
    "conditions of any kind) and random answers (valid, invalid, hostile) go through `validate_answers` "
    "and `Run` in Python and through `logic.js` and `ordering.js` in node. Both must give the same "
    "visible items in the same path, the same errors, the same kept answers and calculated values, the "
    "same number of instances, the same offered options, limits and random orders, and the same quotas."
)
BATCHES, DOCUMENTS, SHEETS = 20, 100, 5
EXPRESSIONS = 10_000
SEED = 20261123  # the day of this proof; any other must do


def run():
    """(passed, lines) for docs/proof/agreement.md."""
    if NODE is None:
        return False, ["This machine has no `node`."]
    totals, disagreements, seeds = {}, [], []

    @seed(SEED)
    @settings(max_examples=BATCHES, deadline=None, phases=PHASES, database=None)
    @given(st.integers(0, 2**63))
    def documents(each):
        wrong, met = compare(each, DOCUMENTS, SHEETS)
        seeds.append(each)
        disagreements.extend(wrong)
        for name, number in met.items():
            totals[name] = totals.get(name, 0) + number

    documents()
    sheets = len(seeds) * DOCUMENTS * SHEETS
    publishable = sum(_publishable(each) for each in seeds)
    unlike = _expressions()
    lines = [
        f"- {sheets:,} answer sheets of {len(seeds) * DOCUMENTS:,} documents: "
        f"{len(disagreements)} disagreements.",
        f"- In them: {', '.join(f'{number:,} {name}' for name, number in totals.items())}.",
        f"- {publishable:,} of the documents have no cycle, unknown name or other mistake of their logic; "
        "the others are compared too, since nobody may be stuck in front of an author's mistake.",
        f"- {EXPRESSIONS:,} random expressions on random stored values, time zones and languages: "
        f"{unlike} disagreements.",
        f"- Documents and sheets are drawn by hypothesis from seed {SEED}.",
    ]
    return not disagreements and not unlike and sheets >= 10_000, lines


def _publishable(each):
    """How many documents of a batch have no mistake in their logic."""
    rng = random.Random(each)
    docs = [random_document(rng) for _one in range(DOCUMENTS)]
    logical = {"cycle", "unknown_name", "expression", "shape"}
    return sum(not logical & {problem.code for problem in check_document(doc)} for doc in docs)


def _expressions():
    rng = random.Random(SEED)
    cases = [random_case(rng) for _one in range(EXPRESSIONS)]
    pairs = zip(run_python(cases), run_javascript(cases), strict=True)
    return sum(not same_reading(here, there) for here, there in pairs)
