"""Planning the reminders of a large round, beside the one SQL query that lists its households.

    python -m benchmarks.reminder_plan [--households 100000]

PostgreSQL. Every household had its letter eight days ago; three in ten opened it in WeChat, and half of
those may be written to. Prints the time of the query alone (all rows fetched), of the dry run, of the run
that writes the messages down, and the peak memory of the dry run for a tenth of the households and for all.
Exits with 1 when planning takes more than ten times the query, or its memory grows with the round.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.load import environment_for, run_module
from benchmarks.throwaway_postgres import postgres

SITE = "benchmarks.reminder_plan_site"
MOST_TIMES = 10.0
MOST_GROWTH_MB = 20.0


def main() -> None:
    """Seed two rounds, measure both, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--households", type=int, default=100_000)
    options = parser.parse_args()
    with postgres("minyi") as port, tempfile.TemporaryDirectory() as folder:
        environment = environment_for(Path(folder), port)
        small, large = (
            int(run_module(SITE, "seed", str(n), environment=environment).split()[-1])
            for n in (options.households // 10, options.households)
        )
        few = measured(small, environment)
        many = measured(large, environment)
        stored = json.loads(run_module(SITE, "store", str(large), environment=environment).splitlines()[-1])
    report(few, many, stored)


def measured(round_id: int, environment: dict[str, str]) -> dict[str, Any]:
    out = run_module(SITE, "measure", str(round_id), environment=environment)
    return json.loads(out.splitlines()[-1])


def report(few: dict[str, Any], many: dict[str, Any], stored: dict[str, Any]) -> None:
    """Print; exit 1 when a limit is passed."""
    times = many["plan_s"] / many["query_s"]
    growth = many["peak_mb"] - few["peak_mb"]
    print(
        f"{many['households']} households, {many['messages']} to be written to; best of {many['turns']} runs"
    )
    print(f"the one query, all rows fetched: {many['query_s']:.2f} s")
    print(f"dry run: {many['plan_s']:.2f} s, {times:.1f} times the query (at most {MOST_TIMES:.0f})")
    written = stored["seconds"] / many["query_s"]
    print(f"run that wrote {stored['stored']} messages down: {stored['seconds']:.2f} s, {written:.1f} times")
    print(
        f"peak memory of the dry run: {few['peak_mb']:.0f} MB for {few['households']}, "
        f"{many['peak_mb']:.0f} MB for {many['households']} (at most {MOST_GROWTH_MB:.0f} MB more)"
    )
    if max(times, written) > MOST_TIMES or growth > MOST_GROWTH_MB:
        sys.exit(1)


if __name__ == "__main__":
    main()
