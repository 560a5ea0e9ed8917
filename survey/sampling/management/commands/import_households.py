"""Imports a household list as a new frame version."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.regions.models import Region
from survey.sampling.services import import_households

SHOWN = 50


class Command(BaseCommand):
    help = "导入住户名录（CSV 或 Excel），成为一个不可更改的新版本"

    def add_arguments(self, parser):
        parser.add_argument("file", help="列：社区代码、地址；可选：网格、户号、电话、户别（家庭户/集体户）")
        parser.add_argument("--region", required=True, help="名录覆盖的区域：12 位区划代码")
        parser.add_argument("--name", required=True, help="名录的名称")
        parser.add_argument(
            "--refused", type=Path, help="有问题的行全部写进这个 CSV 文件（屏幕上只列前 50 处）"
        )
        parser.add_argument("--simulated", action="store_true", help="模拟数据")

    def handle(self, *args, **options):
        region = Region.objects.filter(code=options["region"]).first()
        if region is None:
            raise CommandError(_("区划代码 {code} 还没有导入").format(code=options["region"]))
        try:
            frame = import_households(
                path=options["file"],
                name=options["name"],
                region=region,
                acting_user=COMMAND,
                is_simulated=options["simulated"],
                refused_list=options["refused"],
            )
        except Problem as problem:
            for error in problem.errors[:SHOWN]:
                self.stderr.write(_("第 {row} 行：{reason}").format(**error))
            raise CommandError(problem.message) from problem
        self.stdout.write(
            _("第 {number} 版名录：{households} 户，{communities} 个社区，指纹 {hash}。").format(
                number=frame.number,
                households=frame.n_households,
                communities=frame.n_communities,
                hash=frame.frame_hash,
            )
        )
