"""Documents and answer sheets through the server's rules and the phone's; used by tests and the proof."""

import math
import random
from datetime import UTC, datetime
from pathlib import Path

from survey.questionnaires.document import block_items
from survey.questionnaires.logic import Run
from survey.questionnaires.ordering import ordered_choices, ordered_items, orders_of
from survey.questionnaires.validation import validate_answers
from tests.expressions.engines import run_node
from tests.survey.questionnaires.random_forms import SEED, random_document, sheet

SCRIPT = Path(__file__).with_name("validate.js")
NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)


def jobs_for(rng, docs, sheets):
    """`sheets` answer sheets for each document, with the circumstances of answering."""
    return [
        {
            "document": number,
            "answers": sheet(rng, doc),
            "mode": rng.choice(["web", "door"]),
            "now": NOW.timestamp() * 1000,
            "language": "zh-hans",
            "partial": rng.random() < 0.2,
            "seed": SEED.format(rng.randrange(2**48)),
        }
        for number, doc in enumerate(docs)
        for _again in range(sheets)
    ]


def here(doc, job):
    """What the server makes of a sheet, in the shape in which validate.js writes the phone's."""
    done = validate_answers(
        doc, job["answers"], job["mode"], now=NOW, language=job["language"], partial=job["partial"]
    )
    run = Run(doc, job["answers"], job["mode"], NOW, job["language"])
    offered, limits, orders = {}, {}, {}
    for item, at in run.steps():
        if "list" in item:
            choices, place = run.offered(item["name"], at), run.place(item["name"], at)
            offered[place] = [choice["code"] for choice in choices]
            limits[place] = list(run.limits(item["name"], at))
            orders[place] = [c["code"] for c in ordered_choices(doc, item, job["seed"], choices)]
    return {
        "clean": done.clean,
        "path": done.path,
        "errors": sorted([error.name, error.code] for error in done.errors),
        "instances": {name: run.instances(name) for name in run.repeats},
        "quotas": run.quotas(),
        "offered": offered,
        "limits": limits,
        "orders": orders,
        "rules": orders_of(doc, job["seed"]),
        "items": [
            [item["name"] for item in ordered_items(doc, block, job["seed"])]
            for block in doc["blocks"]
            if block_items(block)
        ],
    }


def same(a, b):
    """Equal, where numbers may differ in the last digits that pow() leaves to the machine."""
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a == b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-300)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a == b


def compare(seed, documents, sheets):
    """Random documents and sheets through both sides; (disagreements, what was met) of this batch."""
    rng = random.Random(seed)
    docs = [random_document(rng) for _one in range(documents)]
    jobs = jobs_for(rng, docs, sheets)
    met = {"items shown": 0, "answers kept": 0, "errors": 0, "instances": 0}
    wrong = []
    for job, there in zip(jobs, run_node(SCRIPT, [{"documents": docs, "jobs": jobs}])[0], strict=True):
        doc = docs[job["document"]]
        ours = here(doc, job)
        met["items shown"] += len(ours["path"])
        met["answers kept"] += len(ours["clean"])
        met["errors"] += len(ours["errors"])
        met["instances"] += sum(ours["instances"].values())
        differing = [part for part in ours if not same(ours[part], there[part])]
        if differing:
            wrong.append({part: (ours[part], there[part]) for part in differing} | {"doc": doc, "job": job})
    return wrong, met
