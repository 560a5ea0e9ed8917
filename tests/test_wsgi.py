"""A new server process is ready before it takes its first request."""

import os
import subprocess
import sys
from pathlib import Path

CHECK = """
import gc, sys
import survey.wsgi
assert "survey.console.urls" in sys.modules, "the first request would import every view"
assert gc.get_freeze_count() > 100_000, "each full collection would walk the statistics libraries"
"""


def test_views_are_imported_and_the_collector_leaves_alone_what_stays() -> None:
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "MINYI_ENV": "test"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", CHECK], cwd=root, env=environment, check=True)
