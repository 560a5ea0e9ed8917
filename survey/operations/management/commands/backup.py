"""Writes an encrypted backup of database and files."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.operations.backups import SUFFIX, make_backup


class Command(BaseCommand):
    help = "备份数据库和文件，加密成一个文件；--keep 只留最近几份"

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, help="放到哪个文件夹")
        parser.add_argument("--recipient", help="公钥；默认用 MINYI_BACKUP_RECIPIENT")
        parser.add_argument("--keep", type=int, help="做成以后，只留最近这么多份")

    def handle(self, *args, folder: Path, recipient: str | None, keep: int | None, **options):
        if keep is not None and keep < 1:
            raise CommandError(_("--keep 至少是 1。"))
        try:
            made = make_backup(
                folder=folder, recipient=recipient or settings.BACKUP_RECIPIENT, acting_user=COMMAND
            )
        except Problem as problem:
            raise CommandError(problem.message) from problem
        for old in sorted(folder.glob(f"minyi-*{SUFFIX}"))[: -keep if keep else 0]:
            old.unlink()
        self.stdout.write(
            _("备份好了：{path}，{tables} 张表、{rows} 行、{files} 个文件，{size} MB。").format(
                path=made.path,
                tables=made.n_tables,
                rows=f"{made.n_rows:,}",
                files=made.n_files,
                size=round(made.n_bytes / (1 << 20), 1),
            )
        )
