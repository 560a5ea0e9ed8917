"""Both evaluators behind one call: cases in, {string, number, boolean}, {error} or {odd} out.

`odd` is for a case that is not of the format, and for an engine that broke: neither is the error that a case
may ask for.
"""

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

from survey.questionnaires.expressions import (
    Environment,
    ExpressionError,
    evaluate,
    parse,
    to_boolean,
    to_number,
    to_string,
)
from tests.expressions.cases import OddCase, tidy

SCRIPT = Path(__file__).with_name("evaluate.js")
NODE = shutil.which("node")


def environment_of(case: dict[str, Any]) -> dict[str, Any]:
    """The environment of a tidied case, in the spelling of the JavaScript evaluator."""
    return {
        "values": case["context"],
        "kinds": {name: kind for name, kind in case["types"].items() if name != "."},
        "choices": case["choices"],
        "at": case["at"],
        "own": case["self"],
        "ownKind": case["types"].get(".", ""),
        "now": case["now"],
        "zone": case["tz"],
        "locale": case["locale"],
    }


def number_json(value: float) -> float | str:
    """A number as JSON can carry it."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _prepared(case: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """({tree, env}, None) of a case, or (None, its result) when it cannot be run."""
    try:
        tidied = tidy({"result": {"type": "error"}} | case if isinstance(case, dict) else case)
        return {"tree": parse(tidied["expr"]), "env": environment_of(tidied)}, None
    except OddCase as odd:
        return None, {"odd": str(odd)}
    except ExpressionError as error:
        return None, {"error": error.reason}
    except Exception as error:  # whatever a file holds, a run ends and counts
        return None, {"odd": f"the parser broke: {error!r}"}


def run_python(cases: list[Any]) -> list[dict[str, Any]]:
    """The three readings of each case's value by the server's evaluator."""
    return [_python(*_prepared(case)) for case in cases]


def _python(job: dict[str, Any] | None, refused: dict[str, Any] | None) -> dict[str, Any]:
    if job is None:
        return refused or {}
    spelled = dict(job["env"])
    spelled["own_kind"] = spelled.pop("ownKind")
    env = Environment(**spelled)
    try:
        value = evaluate(job["tree"], env)
        return {
            "string": to_string(value, env.zone),
            "number": number_json(to_number(value, env.zone)),
            "boolean": to_boolean(value, env.zone),
        }
    except ExpressionError as error:
        return {"error": error.reason}
    except Exception as error:  # as above
        return {"odd": f"the evaluator broke: {error!r}"}


def run_javascript(cases: list[Any]) -> list[dict[str, Any]]:
    """The same by the phone's evaluator, in one call of node. Parsing is Python's: the phone gets trees."""
    prepared = [_prepared(case) for case in cases]
    answered = iter(run_node(SCRIPT, [job for job, _refused in prepared if job is not None]))
    return [next(answered) if job is not None else refused or {} for job, refused in prepared]


def run_node(script: Path, jobs: list[Any]) -> list[Any]:
    """`jobs` through a node script that maps a JSON array to a JSON array."""
    done = subprocess.run(
        [NODE, str(script)], input=json.dumps(jobs), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise AssertionError(f"node failed:\n{done.stderr}")
    return json.loads(done.stdout)


def agrees(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a result is what the case states."""
    kind, value = wanted["type"], wanted.get("value")
    if "odd" in got:
        return False
    if kind == "error" or "error" in got:
        return kind == "error" and "error" in got
    if kind != "number" or isinstance(value, str) or isinstance(got["number"], str):
        return got[kind] == value
    return abs(got["number"] - value) <= max(wanted.get("tolerance") or 0, 1e-12 * abs(value))
