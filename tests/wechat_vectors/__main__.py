"""`python -m tests.wechat_vectors FILE [FILE …]`: exit 0 only when every vector passed."""

import sys
from collections import Counter
from pathlib import Path

from tests.wechat_vectors import run_file


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: python -m tests.wechat_vectors FILE [FILE …]", file=sys.stderr)
        return 2
    counts: Counter[str] = Counter()
    for name in arguments:
        try:
            outcomes = run_file(Path(name))
        except (OSError, ValueError, KeyError, TypeError) as reason:
            print(f"{name}: cannot be read as a vector file: {reason}", file=sys.stderr)
            return 2
        for outcome in outcomes:
            counts[outcome.status] += 1
            print(f"{outcome.status:<11} {outcome.id}" + (f": {outcome.detail}" if outcome.detail else ""))
    print(", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "unsupported")))
    return 0 if counts["passed"] and counts["passed"] == counts.total() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
