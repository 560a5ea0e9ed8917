"""Checks the installation and tells people what is wrong; for a timer of the system."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.operations.watch import watch


class Command(BaseCommand):
    help = "检查数据库、队列、每日任务、磁盘和备份；有不对就记日志、发邮件，并以非零退出"
    requires_system_checks: list[str] = []

    def handle(self, *args, **options):
        wrong = watch()
        for check in wrong:
            self.stderr.write(f"{check.name}: {check.words}")
        if wrong:
            raise CommandError(_("有 {n} 处不对。").format(n=len(wrong)))
        self.stdout.write(_("都正常。"))
