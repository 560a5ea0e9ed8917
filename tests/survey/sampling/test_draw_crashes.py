"""A draw that dies half-way leaves nothing behind, and two draws at once give one sample."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from survey.audit.services import SYSTEM
from survey.sampling.models import Case, Draw, DrawnPSU, ReserveReplicate
from survey.sampling.services import create_design, draw_sample
from survey.sampling.verification import redraw
from tests import factories
from tests.survey.sampling.revealed import make_spec

pytestmark = [pytest.mark.django_db, pytest.mark.database]
ROOT = Path(__file__).resolve().parents[3]
TABLES = ("sampling_drawnpsu", "sampling_reservereplicate", "sampling_case")


def make_waiting(regions) -> Draw:
    round_ = factories.make_round(factories.make_study(regions["370100000000"]))
    frame = factories.make_frame(regions["370100000000"], households=12)
    design = create_design(round=round_, frame=frame, spec=make_spec(), acting_user=SYSTEM)
    return factories.commit_now(design)


def test_wherever_the_database_fails_nothing_of_the_draw_stays(regions):
    """Every writing statement of the draw fails once, the first, the second … until none is left."""
    waiting = make_waiting(regions)
    failed = 0
    while True:
        seen = 0

        def fail(execute, sql, params, many, context, at=failed):
            nonlocal seen
            # PostgreSQL links the audit entry by one statement that begins with WITH.
            if sql.split()[0] in ("INSERT", "UPDATE") or ("WITH" in sql and "INSERT" in sql):
                seen += 1
                if seen == at + 1:
                    raise OperationalError("disk full")
            return execute(sql, params, many, context)

        try:
            with connection.execute_wrapper(fail):
                draw_sample(draw=waiting, beacon_value="演示", acting_user=SYSTEM)
        except OperationalError:
            failed += 1
        else:
            break
        assert not any(model.objects.exists() for model in (Case, DrawnPSU, ReserveReplicate))
        stored = Draw.objects.get()
        assert (stored.state, stored.seed, stored.result_hash, stored.beacon) == ("committed", "", "", "")
    assert failed >= 5  # PSUs, replicates, cases, the draw, the audit entry
    assert redraw(Draw.objects.get()).matches


# --- processes of their own, with a database file of their own ----------------------------------------

SETUP = """
import os, signal, sys, time
import django
django.setup()
from django.db import connection
from survey.audit.services import SYSTEM
from survey.sampling.models import Draw
from survey.sampling.services import draw_sample
"""
BUILD = (
    SETUP
    + """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests import factories
from tests.survey.sampling.test_draw_crashes import make_waiting
print(make_waiting(factories.make_regions()).pk)
"""
)
DIE = (
    SETUP
    + """
def die(execute, sql, params, many, context):
    result = execute(sql, params, many, context)
    if sql.startswith("INSERT") and sys.argv[1] in sql:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
with connection.execute_wrapper(die):
    draw_sample(draw=Draw.objects.get(), beacon_value="x", acting_user=SYSTEM)
"""
)
RACE = (
    SETUP
    + """
from survey.common.errors import Problem
draw = Draw.objects.get()
while time.time() < float(sys.argv[1]):
    pass
try:
    draw_sample(draw=draw, beacon_value=sys.argv[2], acting_user=SYSTEM)
    print("drawn")
except Problem as problem:
    print(problem.code)
"""
)


def start(folder, code, *arguments):
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    environment = {
        **inherited,
        "MINYI_ENV": "development",
        "MINYI_VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "survey.settings",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out.strip(), err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A database file with one committed draw."""
    made = tmp_path_factory.mktemp("var")
    code, out, err = finish(start(made, BUILD))
    assert code == 0 and out.isdigit(), err
    return made


def stored(folder):
    with sqlite3.connect(folder / "minyi.sqlite3") as base:
        counts = {table: base.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        state = base.execute("SELECT state, seed, result_hash FROM sampling_draw").fetchall()
        entries = base.execute(
            "SELECT count(*) FROM audit_auditentry WHERE action = 'sampling.draw.created'"
        ).fetchone()[0]
    return counts, state, entries


def test_a_process_killed_half_way_leaves_nothing_and_of_two_at_once_one_draws(folder):
    for table in ("sampling_case", "audit_auditentry"):  # cases written; all written, before the commit
        code, _out, err = finish(start(folder, DIE, table))
        assert code == -signal.SIGKILL, err
        assert stored(folder) == (dict.fromkeys(TABLES, 0), [("committed", "", "")], 0)
    go = str(time.time() + 8)
    both = [start(folder, RACE, go, value) for value in ("one", "two")]
    ends = sorted(finish(process)[1] for process in both)
    assert ends == ["drawn", "sampling.already_drawn"]
    counts, state, entries = stored(folder)
    assert counts == {"sampling_drawnpsu": 6, "sampling_reservereplicate": 2, "sampling_case": 24}
    assert (state[0][0], entries) == ("drawn", 1)
