"""What must hold for the installation to work, each checked and said in words."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.utils.translation import gettext as _

from survey.audit.models import AuditEntry
from survey.celery import app
from survey.common.clock import now
from survey.jobs.models import Chore, Job
from survey.operations.backups import MADE
from survey.wechat.errors import action_for
from survey.wechat.models import Alarm

QUEUE_STANDS_AFTER = timedelta(minutes=10)  # a job waits seconds; resending looks every 15
CHORE_LATE_AFTER = timedelta(hours=50)  # due daily; one missed day may be a restart
BACKUP_LATE_AFTER = timedelta(hours=26)  # made nightly
DISK_SHARE, DISK_BYTES = 0.05, 2 << 30


@dataclass(frozen=True)
class Check:
    """One thing looked at. `words`: what is wrong and what to do; empty when it is right."""

    name: str
    words: str

    @property
    def is_right(self) -> bool:
        return not self.words


def ready_checks() -> list[Check]:
    """What a request needs: database, its tables, cache and broker."""
    return [_run(name, work) for name, work in READY.items()]


def all_checks() -> list[Check]:
    """`ready_checks`, and what goes wrong slowly: queue, chores, disk, backups."""
    checks = ready_checks()
    if not checks[0].is_right:
        return [*checks, _run("disk", _disk)]
    return [*checks, *(_run(name, work) for name, work in SLOW.items())]


def _run(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name, work())
    except Exception as error:  # whatever a broken part raises is the finding
        return Check(name, f"{type(error).__name__}: {error}"[:300])


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return ""


def _tables() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not waiting:
        return ""
    return _("数据库还差 {n} 步升级。请运行 manage.py migrate。").format(n=len(waiting))


def _cache() -> str:
    cache.set("operations.health", "1", 60)
    return "" if cache.get("operations.health") == "1" else _("缓存写进去读不出来。请看 Redis 或缓存表。")


def _broker() -> str:
    if settings.REDIS_URL:
        with app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    return ""


def waiting_since() -> timedelta:
    """How long the oldest job waits to be taken; zero when none does."""
    oldest = Job.objects.filter(state=Job.State.PENDING).aggregate(at=Min("created_at"))["at"]
    return now() - oldest if oldest else timedelta(0)


def silent_since() -> timedelta:
    """How long the most silent running job has said nothing; zero when none runs."""
    oldest = Job.objects.filter(state=Job.State.RUNNING).aggregate(at=Min("heartbeat_at"))["at"]
    return now() - oldest if oldest else timedelta(0)


def _queue() -> str:
    waits, silent = waiting_since(), silent_since()
    if waits <= QUEUE_STANDS_AFTER and silent <= QUEUE_STANDS_AFTER:
        return ""
    return _(
        "任务队列停住了：最早的一个等了 {waits} 分钟，最久的一个 {silent} 分钟没有动静。"
        "请看 minyi-worker 是不是在运行。"
    ).format(waits=int(waits.total_seconds() // 60), silent=int(silent.total_seconds() // 60))


def _chores() -> str:
    failed = [c.name for c in Chore.objects.exclude(last_error="")]
    late = [c.name for c in Chore.objects.filter(last_done_at__lt=now() - CHORE_LATE_AFTER)]
    if not failed and not late:
        return ""
    return _("每天该做的事没有做成：{names}。到期的个人信息可能没有销毁。请看 minyi-beat 的日志。").format(
        names="、".join(sorted({*failed, *late}))
    )


def _disk() -> str:
    usage = shutil.disk_usage(settings.VAR_DIR)
    if usage.free >= DISK_BYTES and usage.free >= DISK_SHARE * usage.total:
        return ""
    return _("磁盘快满了：只剩 {free} GB（{share} %）。请清理或扩容。").format(
        free=round(usage.free / (1 << 30), 1), share=round(100 * usage.free / usage.total)
    )


def last_backup_age() -> timedelta | None:
    """None when there never was one."""
    last = AuditEntry.objects.filter(action=MADE).order_by("-pk").values_list("at", flat=True).first()
    return now() - last if last else None


def _backup() -> str:
    if settings.MINYI_ENV != "production":
        return ""
    age = last_backup_age()
    if age is None:
        return _("还没有做过备份。请看部署说明里的“备份”。")
    if age > BACKUP_LATE_AFTER:
        return _("上一次备份是 {hours} 小时以前。请看 minyi-backup 的日志。").format(
            hours=int(age.total_seconds() // 3600)
        )
    return ""


def _wechat() -> str:
    waiting = Alarm.objects.filter(settled_at__isnull=True).select_related("account")[:5]
    return " ".join(
        _("公众号“{name}”（{code}）：{action}").format(
            name=alarm.account.name, code=alarm.code, action=action_for(alarm.code, alarm.message)
        )
        for alarm in waiting
    )


READY: dict[str, Callable[[], str]] = {
    "database": _database,
    "tables": _tables,
    "cache": _cache,
    "broker": _broker,
}
SLOW: dict[str, Callable[[], str]] = {
    "queue": _queue,
    "chores": _chores,
    "disk": _disk,
    "backup": _backup,
    "wechat": _wechat,
}
