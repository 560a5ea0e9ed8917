"""Loads a city's tree of 统计用区划代码 from CSV or Excel."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.regions.services import import_regions

SHOWN = 50


class Command(BaseCommand):
    help = "导入 12 位统计用区划代码（CSV 或 Excel）；可以重复运行"

    def add_arguments(self, parser):
        parser.add_argument(
            "file",
            help="列：区划代码、名称；可选：级别、上级代码、城乡分类代码、启用日期、停用日期、继任代码",
        )

    def handle(self, *args, **options):
        try:
            counts = import_regions(path=options["file"], acting_user=COMMAND)
        except Problem as problem:
            for error in problem.errors[:SHOWN]:
                self.stderr.write(_("第 {row} 行：{reason}").format(**error))
            raise CommandError(problem.message) from problem
        self.stdout.write(
            _("新增 {created}，更新 {updated}，不变 {unchanged}，停用 {closed}。").format(**counts)
        )
