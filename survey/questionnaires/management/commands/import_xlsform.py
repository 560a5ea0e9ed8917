"""Reads an XLSForm or a text of numbered items: checks it, keeps it as a draft, or publishes it."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.questionnaires.services import as_errors, outline, publish_version, read_form, store_draft


class Command(BaseCommand):
    help = "导入问卷（.xlsx、.xls、.csv、.md，或 .txt 的编号文字）：--check 只检查，--publish 导入后发布"

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="只检查，什么也不保存")
        parser.add_argument("--publish", action="store_true", help="导入后发布，从此不能改")

    def handle(self, *args, file, check, publish, **options):
        if check and publish:
            raise CommandError("--check 和 --publish 只能选一个。")
        if not file.is_file():
            raise CommandError(f"找不到文件 {file}")
        try:
            document, problems = read_form(file)
            self._list(as_errors(problems))
            if check:
                self.stdout.write(f"可以发布：{len(outline(document, 'zh-hans'))} 题。")
                return
            version = store_draft(document=document, acting_user=COMMAND, source_name=file.name)
            if publish:
                version = publish_version(version=version, acting_user=COMMAND)
        except Problem as problem:
            self._list(problem.errors)
            raise CommandError(problem.message) from problem
        self.stdout.write(
            f"{version.questionnaire} 第 {version.number} 版（{version.get_state_display()}），"
            f"指纹 {version.document_hash[:12]}。"
        )

    def _list(self, errors):
        for error in errors:
            self.stderr.write(f"{error['level']:8} {error['where'] or '-':16} {error['reason']}")
