"""Run every case of a folder through `analysis`; exit 1 unless all pass, 2 when there is nothing to run."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.reference import sampling_format, survey_format

# Folders of the sampling format carry no name of their format.
FORMATS = {"survey-cases/1": survey_format.run_folder, "": sampling_format.run_folder}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.reference FOLDER")
        return 2
    folder = Path(arguments[0])
    source = folder / "expected.json"
    if not source.is_file():
        print(f"{source} is not there: a folder of cases holds expected.json and its CSV files")
        return 2
    try:
        expected = _read(source)
    except ValueError as error:
        print(f"{source} cannot be run: {error}")
        return 2
    outcomes = FORMATS[expected["meta"].get("format", "")](folder, expected)
    for outcome in outcomes:
        for line in outcome.lines:
            print(f"{outcome.status} {outcome.case}: {' '.join(line.split())}")
    count = {s: sum(o.status == s for o in outcomes) for s in ("passed", "failed", "unsupported")}
    print(", ".join(f"{n} {status}" for status, n in count.items()))
    return 0 if count["passed"] == len(outcomes) else 1


def _read(source: Path) -> dict[str, Any]:
    """The file's content, when it has the parts that a runner of its format needs. Raises ValueError."""
    expected = json.loads(source.read_text(encoding="utf-8"))
    if not isinstance(expected, dict) or not isinstance(expected.setdefault("meta", {}), dict):
        raise ValueError("it holds no object with meta and cases")
    form = expected["meta"].get("format", "")
    if not isinstance(form, str) or form not in FORMATS:
        raise ValueError(f"unknown format {form!r}; known: {', '.join(filter(None, FORMATS))}")
    parts = {"cases": list} | ({"designs": dict, "data": dict} if form else {})
    for name, kind in parts.items():
        if not isinstance(expected.get(name), kind):
            raise ValueError(f"{name} is absent or no {kind.__name__}")
    if not expected["cases"]:
        raise ValueError("it has no case")
    return expected


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # names of cases come from outside
    sys.exit(main(sys.argv[1:]))
