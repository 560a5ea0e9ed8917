"""A full-size Jinan: 13 districts, 164 streets, 5,758 communities, two rounds of 60,000 answers each.

    python -m tests.proof full_city

MINYI_PROOF_FOLDER keeps the database and goes on after the steps that are done; without it the city is built
in a temporary folder and thrown away. MINYI_PROOF_RESPONSES and MINYI_PROOF_HOUSEHOLDS make it smaller.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TITLE = "A full-size city in the hands of an official"
SLOWEST_PAGE_S, MOST_PDF_PAGES, MOST_GB = 1.0, 200, 4.0
CLAIM = (
    "Two rounds of 13 districts, 164 streets, 5,758 communities and 60,000 answers, through the services and "
    "the job of a real study on SQLite: every page of the report takes the server at most "
    f"{SLOWEST_PAGE_S:g} s of a processor, the PDF has at most {MOST_PDF_PAGES} pages, every street has a "
    f"brief of one page, no step needs more than {MOST_GB:g} GB."
)
ROOT = Path(__file__).resolve().parents[2]
STEPS = (
    *("regions", "frame", "study", "draw-1", "answers-1", "report-1", "draw-2", "answers-2", "report-2"),
    *("pages", "reveal-1", "reveal-2"),
)
STREETS = 164
NOT_TOLD = ("step", "seconds", "cpu", "peak_mb", "pages")


def run() -> tuple[bool, list[str]]:
    """Build, compute, publish, open every page."""
    kept = os.environ.get("MINYI_PROOF_FOLDER")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(kept or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = {name: _step(folder, name) for name in STEPS}
    lines = ["| step | seconds | of a processor | peak, MB | |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {row['step']} | {_told(row, 'seconds')} | {_told(row, 'cpu')} | {_told(row, 'peak_mb')} "
        f"| {_facts(row)} |"
        for row in found.values()
    ]
    pages = found["pages"]["pages"]
    lines += ["", "| what is opened | seconds | of a processor | KB | pages |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['what']} | {row['seconds']:.2f} | {row['cpu']:.2f} | {row['kb']:,.0f} "
        f"| {row.get('pages', '')} |"
        for row in pages
    ]
    return _holds(found), lines


def _step(folder: Path, name: str) -> dict[str, Any]:
    """One step in a process of its own, whose memory is then its own; not again where it is done."""
    done = folder / f"{name}.json"
    if done.exists() and name != "pages":
        found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return found
    env = {
        **os.environ,
        "MINYI_ENV": "test",
        "MINYI_VAR_DIR": str(folder),
        "MINYI_DATABASE_URL": f"sqlite:///{folder}/city.sqlite3",
        "MINYI_EMBEDDED_WORKER": "false",
        "DJANGO_SETTINGS_MODULE": "survey.settings",
    }
    command = [sys.executable, "-m", "tests.proof.full_city_steps", name]
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if said.returncode:
        raise RuntimeError(f"{name}: {said.stderr[-3000:]}")
    found = json.loads(said.stdout.strip().splitlines()[-1])
    print(f"{name}: {found['seconds']:.1f} s, {found['peak_mb']:.0f} MB {_facts(found)}", flush=True)
    done.write_text(json.dumps(found), encoding="utf-8")
    return found


def _told(row: dict[str, Any], name: str) -> str:
    """A measure of a step; a dash where a step of an older run did not take it."""
    return f"{row[name]:,.0f}" if row.get(name) else "—"


def _facts(row: dict[str, Any]) -> str:
    facts = [(name, value) for name, value in row.items() if name not in NOT_TOLD]
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in facts
    )


def _holds(found: dict[str, dict[str, Any]]) -> bool:
    pages = {row["what"]: row for row in found["pages"]["pages"]}
    html = [
        row for row in pages.values() if "pages" not in row and row["what"] not in ("Word", "Excel", "CSV")
    ]
    reports = [row["pages"] for what, row in pages.items() if what.startswith("PDF")]
    return (
        all(row["cpu"] <= SLOWEST_PAGE_S for row in html if "cold" not in row["what"])
        and all(0 < n <= MOST_PDF_PAGES for n in reports)
        and pages["the briefs of all streets"]["pages"] == STREETS
        and all(row["peak_mb"] <= MOST_GB * 1000 for row in found.values())
    )
