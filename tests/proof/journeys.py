"""Every journey in every language at every width, on a line that drops requests."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TITLE = "Journeys in three languages at three widths, on a line that drops requests"
CLAIM = (
    "The author's journey (XLSForm in, edit, preview, publish, new version, difference) and the resident's "
    "(letter, consent, who answers, every kind of question, thanks) run in headless Chromium at 360, 390 and "
    "1280 px in Simplified Chinese, Traditional Chinese and English, while a fifth of what scripts ask for "
    "is dropped at random (seeded). On every page axe finds nothing grave and nothing is wider than the "
    "window. Pictures of every page are in build/screens/. `make test` walks three of the nine of each."
)
WALKS = (
    "tests/browser/test_editor_journey.py::test_an_author_brings_edits_previews_publishes_and_compares",
    "tests/browser/test_resident_types.py",
    "tests/browser/test_resident_journey.py",
    "tests/browser/test_open_texts.py",
)
PASSED = re.compile(r"^PASSED (\S+)", re.MULTILINE)


def run() -> tuple[bool, list[str]]:
    """(all passed, a line for each walk)"""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-q", "-rA", *WALKS],
        cwd=ROOT,
        env={**os.environ, "MINYI_JOURNEYS": "all", "MINYI_ENV": "test"},
        capture_output=True,
        text=True,
    )
    walked = PASSED.findall(done.stdout)
    lines = [f"- {name.removeprefix('tests/browser/')}" for name in walked]
    if done.returncode:
        lines += ["", "```", *done.stdout.splitlines()[-30:], "```"]
    return done.returncode == 0 and len(walked) >= 2 * 9, lines
