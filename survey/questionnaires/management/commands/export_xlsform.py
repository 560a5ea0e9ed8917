"""Writes a version of a questionnaire as an XLSForm that ODK and Kobo open."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.xlsform import export_xlsform


class Command(BaseCommand):
    help = "导出 XLSForm（.xlsx）：export_xlsform 问卷代码 [--version 版次] --out 文件"

    def create_parser(self, prog_name: str, subcommand: str, **kwargs) -> CommandParser:
        """As Django's, where --version would print the version of Django."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser):
        parser.add_argument("code", help="问卷代码")
        parser.add_argument("--version", type=int, dest="number", help="第几版；不写就是最新一版")
        parser.add_argument("--out", type=Path, required=True, help="写到哪个文件")

    def handle(self, *args, code, number, out, **options):
        versions = QuestionnaireVersion.objects.filter(questionnaire__code=code)
        if not versions:
            raise CommandError(f"没有代码为 {code} 的问卷。")
        version = versions.filter(number=number).first() if number else versions.first()
        if version is None:
            raise CommandError(f"{code} 没有第 {number} 版。")
        if not out.parent.is_dir():
            raise CommandError(f"没有文件夹 {out.parent}。")
        out.write_bytes(export_xlsform(version.document))
        self.stdout.write(f"{version.questionnaire} 第 {version.number} 版写到 {out}。")
