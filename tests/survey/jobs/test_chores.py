"""Daily chores: each once a day however many look, a failing one alone and again."""

from datetime import timedelta

import pytest

from survey.common.clock import now
from survey.jobs import chores
from survey.jobs.chores import daily, do_chores
from survey.jobs.models import Chore

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def done(monkeypatch):
    """Two chores for this test only: one that works, one that fails while told to."""
    monkeypatch.setattr(chores, "_CHORES", {})
    log = []
    daily("tests.sweep")(lambda: log.append("swept"))

    @daily("tests.mop")
    def mop():
        if "broken" in log:
            log.remove("broken")
            raise RuntimeError("no water")
        log.append("mopped")

    return log


def test_a_chore_is_done_once_a_day(done):
    assert do_chores() == ["tests.mop", "tests.sweep"]
    assert do_chores() == []
    Chore.objects.update(last_started_at=now() - timedelta(hours=24))
    assert do_chores() == ["tests.mop", "tests.sweep"]
    assert done == ["mopped", "swept"] * 2


def test_a_chore_that_fails_is_tried_again_and_holds_nobody_up(done):
    done.append("broken")
    assert do_chores() == ["tests.sweep"]
    assert "no water" in Chore.objects.get(name="tests.mop").last_error
    assert do_chores() == ["tests.mop"]
    assert Chore.objects.get(name="tests.mop").last_error == ""


def test_another_process_that_looks_at_the_same_moment_finds_nothing_to_do(done):
    Chore.objects.create(name="tests.sweep", last_started_at=now())
    assert do_chores() == ["tests.mop"]


def test_every_registered_chore_runs_on_an_empty_installation():
    names = do_chores()
    assert "responses.stale_drafts" in names and "wechat.contact_data" in names
