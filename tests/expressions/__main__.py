"""`python -m tests.expressions FILE…`: run expression cases through both evaluators.

A file is a JSON array of cases {expr, context, self, at, types, choices, now, tz, result}; a case without
`result` (a documented disagreement) is skipped and counted. Exit status 1 when a case fails.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.expressions.engines import NODE, agrees, run_javascript, run_python


def report(name: str, cases: list[dict], results: list[dict], *, quiet: bool) -> int:
    """Print one engine's line and its failures; the number of failures."""
    failed = unsupported = 0
    for case, got in zip(cases, results, strict=True):
        if agrees(got, case["result"]):
            continue
        reason = got.get("error", "")
        if "不支持" in reason or "没有" in reason:
            unsupported += 1
        else:
            failed += 1
        if not quiet:
            print(f"  {case.get('id', '?')}: {case['expr']}\n    wanted {case['result']}, got {got}")
    print(f"{name}: {len(cases) - failed - unsupported} passed, {failed} failed, {unsupported} unsupported")
    return failed + unsupported


def main(arguments: list[str] | None = None) -> int:
    """Run the files; 0 when every case passes in both engines."""
    parser = argparse.ArgumentParser(prog="python -m tests.expressions", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--quiet", action="store_true", help="only the counts")
    options = parser.parse_args(arguments)
    bad = 0
    for file in options.files:
        everything = json.loads(file.read_text(encoding="utf-8"))
        cases = [case for case in everything if "result" in case]
        print(f"{file}: {len(cases)} cases, {len(everything) - len(cases)} without a result")
        bad += report("Python", cases, run_python(cases), quiet=options.quiet)
        if NODE is None:
            print("JavaScript: not run, this machine has no `node` (version 18 or newer)")
            bad += 1
        else:
            bad += report("JavaScript", cases, run_javascript(cases), quiet=options.quiet)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
