"""Loads census margins, which answers are weighted to."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.regions.services import import_census

SHOWN = 50


class Command(BaseCommand):
    help = "导入普查边际数（CSV 或 Excel）；可以重复运行"

    def add_arguments(self, parser):
        parser.add_argument("file", help="列：variable、category、region_code、value、source")
        parser.add_argument("--year", type=int, default=2020, help="普查年份")

    def handle(self, *args, **options):
        try:
            count = import_census(path=options["file"], acting_user=COMMAND, source_year=options["year"])
        except Problem as problem:
            for error in problem.errors[:SHOWN]:
                self.stderr.write(_("第 {row} 行：{reason}").format(**error))
            raise CommandError(problem.message) from problem
        self.stdout.write(_("导入 {count} 条普查数。").format(count=count))
