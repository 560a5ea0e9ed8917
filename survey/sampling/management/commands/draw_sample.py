"""Draws a committed sample, once its public random number is known."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.commands import find_draw, in_words
from survey.sampling.services import draw_sample


class Command(BaseCommand):
    help = "公开随机数揭晓以后抽样；一次承诺只抽一次，重抽要另作承诺并写明理由"

    def add_arguments(self, parser):
        parser.add_argument("--draw", type=int, required=True, help="抽样的编号（commit_draw 给出）")
        parser.add_argument("--beacon", required=True, help="公开随机数，照公告填")

    def handle(self, *args, **options):
        waiting = find_draw(options["draw"])
        draw = in_words(
            lambda: draw_sample(draw=waiting, beacon_value=options["beacon"], acting_user=COMMAND)
        )
        self.stdout.write(
            _("第 {number} 次抽样：{psus} 个社区单位，{cases} 户；承诺 {commitment}，结果 {result}。").format(
                number=draw.number,
                psus=draw.psus.count(),
                cases=draw.cases.count(),
                commitment=draw.commitment_hash,
                result=draw.result_hash,
            )
        )
