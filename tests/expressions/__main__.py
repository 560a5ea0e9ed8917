"""`python -m tests.expressions FILE…`: run expression cases through both evaluators.

A file is a JSON array of cases {expr, context, self, at, types, choices, now, tz, result}; a case without
`result` (a documented disagreement) is skipped and counted. A case that is not of the format fails with the
reason. Exit status 1 when a case fails or a file cannot be read.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from tests.expressions.cases import OddCase, has_result, read_cases, tidy
from tests.expressions.engines import NODE, agrees, run_javascript, run_python


def judge(case: Any, got: dict[str, Any]) -> tuple[str, Any]:
    """("passed", "failed" or "unsupported", what was wanted) of one case."""
    try:
        wanted = tidy(case)["result"]
    except OddCase as odd:
        return "failed", str(odd)
    if agrees(got, wanted):
        return "passed", wanted
    reason = got.get("error", "")
    return ("unsupported" if "不支持" in reason or "没有" in reason else "failed"), wanted


def report(name: str, cases: list[Any], results: list[dict], *, quiet: bool) -> int:
    """Print one engine's line and its failures; the number of cases that did not pass."""
    counts = {"passed": 0, "failed": 0, "unsupported": 0}
    for case, got in zip(cases, results, strict=True):
        verdict, wanted = judge(case, got)
        counts[verdict] += 1
        if verdict != "passed" and not quiet:
            named = case if isinstance(case, dict) else {}
            line = f"  {named.get('id', '?')}: {named.get('expr', case)}\n    wanted {wanted}, got {got}"
            print(line.encode("utf-8", "backslashreplace").decode())
    print(f"{name}: " + ", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
    return counts["failed"] + counts["unsupported"]


def run_file(file: Path, *, quiet: bool) -> int:
    """Run one file through both engines; the number of cases that did not pass."""
    try:
        everything = read_cases(file)
    except OddCase as odd:
        print(f"{file} {odd}")
        return 1
    cases = [case for case in everything if has_result(case)]
    print(f"{file}: {len(cases)} cases, {len(everything) - len(cases)} without a result")
    bad = report("Python", cases, run_python(cases), quiet=quiet)
    if NODE is None:
        print("JavaScript: not run, this machine has no `node` (version 18 or newer)")
        return bad + 1
    return bad + report("JavaScript", cases, run_javascript(cases), quiet=quiet)


def main(arguments: list[str] | None = None) -> int:
    """Run the files; 0 when every case passes in both engines."""
    parser = argparse.ArgumentParser(prog="python -m tests.expressions", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--quiet", action="store_true", help="only the counts")
    options = parser.parse_args(arguments)
    bad = sum(run_file(file, quiet=options.quiet) for file in options.files)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
