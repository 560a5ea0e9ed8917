"""`make proof`: runs the long proofs and writes docs/proof/ with the commit and the figures.

    python -m tests.proof            all of them
    python -m tests.proof coverage   one

Each module of this package named in PROOFS has `TITLE`, `CLAIM` and `run() -> (passed, lines)`.
"""

import importlib
import os
import sys
import time

import django

from tests.proof.parts import ROOT, commit

PROOFS = [
    "coverage",
    "claims",
    "kill_submit",
    "field_faults",
    "kill_send",
    "fuzz_callback",
    "frame_memory",
    "agreement",
    "journeys",
    "cheaters",
    "attack",
    "full_city",
]


def main(wanted: list[str]) -> int:
    """Run the proofs named (all when none is); returns the number that failed."""
    unknown = set(wanted) - set(PROOFS)
    if unknown:
        print(f"no such proof: {', '.join(sorted(unknown))}; there are {', '.join(PROOFS)}")
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey.settings")
    django.setup()
    (ROOT / "docs" / "proof").mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in wanted or PROOFS:
        module = importlib.import_module(f"tests.proof.{name}")
        print(f"== {name}: {module.TITLE}", flush=True)
        started = time.monotonic()
        passed, lines = module.run()
        took = time.monotonic() - started
        failed += not passed
        page = [f"# {module.TITLE}", "", module.CLAIM, "", f"**{'Holds' if passed else 'DOES NOT HOLD'}.** "]
        page[-1] += (
            f"Commit `{commit()}`, {time.strftime('%Y-%m-%d')}, {took:.0f} s, `make proof ARGS={name}`."
        )
        text = "\n".join([*page, "", *lines, ""])
        (ROOT / "docs" / "proof" / f"{name}.md").write_text(text, encoding="utf-8")
        print("\n".join(lines), flush=True)
        print(f"== {name}: {'holds' if passed else 'DOES NOT HOLD'} ({took:.0f} s)", flush=True)
    print(f"{len(wanted or PROOFS) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
