"""Takes a party's secret for a committed draw."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.commands import find_draw, in_words
from survey.sampling.services import give_secret


class Command(BaseCommand):
    help = "收下一方的秘密；必须和她承诺的指纹相符。秘密从标准输入读，不留在命令记录里"

    def add_arguments(self, parser):
        parser.add_argument("--draw", type=int, required=True, help="抽样的编号")
        parser.add_argument("--party", type=int, required=True, help="第几方（主办方是 1）")

    def handle(self, *args, **options):
        draw = find_draw(options["draw"])
        party = in_words(
            lambda: give_secret(
                draw=draw,
                party_number=options["party"],
                secret_hex=input(_("秘密（64 位十六进制）：")),
                acting_user=COMMAND,
            )
        )
        self.stdout.write(_("收到了：{name}").format(name=party.name))
