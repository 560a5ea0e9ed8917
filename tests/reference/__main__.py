"""Run every case of a folder through `analysis`; exit 1 unless all pass."""

import json
import sys
from pathlib import Path

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
    expected = json.loads(source.read_text(encoding="utf-8"))
    form = expected.get("meta", {}).get("format", "")
    if form not in FORMATS:
        print(f"unknown format {form!r}; known: {', '.join(FORMATS)}")
        return 2
    outcomes = FORMATS[form](folder, expected)
    for outcome in outcomes:
        for line in outcome.lines:
            print(f"{outcome.status} {outcome.case}: {line}")
    count = {s: sum(o.status == s for o in outcomes) for s in ("passed", "failed", "unsupported")}
    print(", ".join(f"{n} {status}" for status, n in count.items()))
    return 0 if count["passed"] == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
