"""What is wrong is said, in words, to those who can mend it, and not again every five minutes."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.jobs.models import Chore, Job
from survey.operations.health import all_checks
from survey.operations.watch import watch
from survey.wechat.alarms import raise_alarm
from survey.wechat.errors import WeChatError
from survey.wechat.services import save_account

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def wrong():
    return {check.name: check.words for check in all_checks() if not check.is_right}


@pytest.fixture
def settings(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.ALARM_EMAILS = ["zhiban@example.cn"]
    return settings


def stuck_job(minutes=11, state=Job.State.PENDING):
    job = Job.objects.create(kind="reports.run", state=state, heartbeat_at=now())
    moment = now() - timedelta(minutes=minutes)
    Job.objects.filter(pk=job.pk).update(created_at=moment, heartbeat_at=moment)


def test_a_fresh_installation_is_right(settings):
    assert wrong() == {}


def test_a_queue_that_stands_still_is_an_alarm(settings):
    stuck_job(minutes=9)
    assert wrong() == {}
    stuck_job(minutes=25)
    assert "等了 25 分钟" in wrong()["queue"]


def test_a_worker_that_died_at_its_work_is_an_alarm(settings):
    stuck_job(minutes=12, state=Job.State.RUNNING)
    assert "12 分钟没有动静" in wrong()["queue"]


def test_a_chore_that_failed_or_stopped_is_an_alarm(settings):
    Chore.objects.create(name="responses.drafts", last_done_at=now() - timedelta(hours=49))
    assert wrong() == {}
    Chore.objects.create(name="responses.retention", last_done_at=now() - timedelta(hours=51))
    Chore.objects.create(name="wechat.tokens", last_done_at=now(), last_error="ValueError: x")
    assert "responses.retention、wechat.tokens" in wrong()["chores"]


def test_what_wechat_refuses_until_a_person_helps_is_an_alarm(settings):
    account = save_account(
        slug="a", name="济南民意", app_id="wx0123456789abcdef", app_secret="0" * 32, acting_user=SYSTEM
    )
    raise_alarm(account=account, refusal=WeChatError(40164, "invalid ip 1.2.3.4, not in whitelist"))
    assert "济南民意" in wrong()["wechat"] and "白名单" in wrong()["wechat"]


def test_production_wants_a_backup_of_last_night(settings):
    settings.MINYI_ENV = "production"
    assert "还没有做过备份" in wrong()["backup"]


def test_it_mails_once_an_hour_while_it_lasts_and_once_when_it_is_over(settings, monkeypatch):
    stuck_job()
    assert [check.name for check in watch()] == ["queue"]
    watch()
    assert len(mail.outbox) == 1 and "任务队列停住了" in mail.outbox[0].body
    later = now() + timedelta(minutes=61)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    watch()
    assert len(mail.outbox) == 2
    Job.objects.all().delete()
    watch()
    watch()
    assert [message.subject for message in mail.outbox[2:]] == ["民意：恢复正常了"]


def test_the_command_fails_so_that_the_timer_shows_it(settings):
    call_command("watch")
    stuck_job()
    with pytest.raises(CommandError):
        call_command("watch")


def test_a_load_balancer_learns_whether_it_is_ready_and_nothing_else(client):
    assert client.get("/health/live").content == b"ok"
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "parts": {"database": True, "tables": True, "cache": True, "broker": True},
    }


def test_figures_are_for_the_holder_of_the_token(client, settings):
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a-long-random-text"
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    Job.objects.create(kind="reports.run", created_by=None)
    text = client.get("/metrics", headers={"Authorization": "Bearer a-long-random-text"}).content.decode()
    assert 'minyi_jobs{state="pending"} 1.0' in text
    assert 'minyi_check{name="queue"} 1.0' in text
    assert "minyi_rounds_open 0.0" in text
