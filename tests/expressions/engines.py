"""Both evaluators behind one call: cases in, {string, number, boolean} or {error} out."""

import json
import math
import shutil
import subprocess
from datetime import datetime
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

SCRIPT = Path(__file__).with_name("evaluate.js")
NODE = shutil.which("node")


def environment_of(case: dict[str, Any]) -> dict[str, Any]:
    """The environment of a case, in the spelling of the JavaScript evaluator."""
    kinds = case.get("types", {})
    now = datetime.fromisoformat(case.get("now", "2024-03-15T10:30:00.000Z").replace("Z", "+00:00"))
    return {
        "values": case.get("context", {}),
        "kinds": {name: kind for name, kind in kinds.items() if name != "."},
        "choices": case.get("choices", {}),
        "at": case.get("at", []),
        "own": case.get("self", ""),
        "ownKind": kinds.get(".", ""),
        "now": now.timestamp() * 1000,
        "zone": case.get("tz", "UTC"),
        "locale": case.get("locale", "en"),
    }


def number_json(value: float) -> float | str:
    """A number as JSON can carry it."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def run_python(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The three readings of each case's value by the server's evaluator."""
    return [_python(case) for case in cases]


def _python(case: dict[str, Any]) -> dict[str, Any]:
    spelled = environment_of(case)
    spelled["own_kind"] = spelled.pop("ownKind")
    env = Environment(**spelled)
    try:
        value = evaluate(parse(case["expr"]), env)
        return {
            "string": to_string(value, env.zone),
            "number": number_json(to_number(value, env.zone)),
            "boolean": to_boolean(value, env.zone),
        }
    except ExpressionError as error:
        return {"error": error.reason}


def run_javascript(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same by the phone's evaluator, in one call of node. Parsing is Python's: the phone gets trees."""
    results: list[dict[str, Any] | None] = []
    jobs = []
    for case in cases:
        try:
            jobs.append({"tree": parse(case["expr"]), "env": environment_of(case)})
            results.append(None)
        except ExpressionError as error:
            results.append({"error": error.reason})
    answered = iter(run_node(SCRIPT, jobs))
    return [next(answered) if result is None else result for result in results]


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
    kind, value = wanted["type"], wanted["value"]
    if kind == "error" or "error" in got:
        return kind == "error" and "error" in got
    if kind != "number" or isinstance(value, str) or isinstance(got["number"], str):
        return got[kind] == value
    return abs(got["number"] - value) <= max(wanted.get("tolerance", 0), 1e-12 * abs(value))
