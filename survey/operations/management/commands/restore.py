"""Fills an empty installation from a backup and compares every count and hash."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.operations.backups import restore_backup


class Command(BaseCommand):
    help = "把一份备份恢复到空的数据库和文件夹，逐表、逐个文件核对"
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--identity", type=Path, required=True, help="私钥的文件")

    def handle(self, *args, file: Path, identity: Path, **options):
        for path in (file, identity):
            if not path.is_file():
                raise CommandError(_("找不到文件 {path}。").format(path=path))
        try:
            done = restore_backup(path=file, identity=identity.read_text("utf-8"), acting_user=COMMAND)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        for line in done.problems:
            self.stderr.write(line)
        if done.other_keys:
            self.stderr.write(
                _("这些设置和备份时不一样，加密的内容会打不开，请从保管处找回：{names}").format(
                    names="；".join(done.other_keys)
                )
            )
        if done.problems:
            raise CommandError(_("恢复了，但有 {n} 处和备份不一样。").format(n=len(done.problems)))
        self.stdout.write(
            _("恢复好了（{at} 的备份）：{tables} 张表、{rows} 行、{files} 个文件，全部核对一致。").format(
                at=done.made_at, tables=done.n_tables, rows=f"{done.n_rows:,}", files=done.n_files
            )
        )
