"""Draws the sample of a design."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.sampling.models import Design
from survey.sampling.services import draw_sample


class Command(BaseCommand):
    help = "按设计抽样；一轮只抽一次，重抽要写明理由"

    def add_arguments(self, parser):
        parser.add_argument("--design", type=int, required=True, help="设计的编号")
        parser.add_argument("--reason", default="", help="重抽的理由")

    def handle(self, *args, **options):
        design = Design.objects.filter(pk=options["design"]).first()
        if design is None:
            raise CommandError(_("没有编号为 {number} 的设计").format(number=options["design"]))
        try:
            draw = draw_sample(design=design, acting_user=COMMAND, reason=options["reason"])
        except Problem as problem:
            raise CommandError(problem.message) from problem
        self.stdout.write(
            _("第 {number} 次抽样：{psus} 个社区单位，{cases} 户；承诺 {commitment}，结果 {result}。").format(
                number=draw.number,
                psus=draw.psus.count(),
                cases=draw.cases.count(),
                commitment=draw.commitment_hash,
                result=draw.result_hash,
            )
        )
