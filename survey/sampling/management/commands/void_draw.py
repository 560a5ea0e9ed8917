"""Gives a commitment or a draw up, with a reason."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.commands import find_draw, in_words
from survey.sampling.services import void_draw


class Command(BaseCommand):
    help = "作废一次承诺或抽样；理由一直公开"

    def add_arguments(self, parser):
        parser.add_argument("--draw", type=int, required=True, help="抽样的编号")
        parser.add_argument("--reason", required=True, help="理由")

    def handle(self, *args, **options):
        waiting = find_draw(options["draw"])
        draw = in_words(lambda: void_draw(draw=waiting, reason=options["reason"], acting_user=COMMAND))
        self.stdout.write(_("第 {number} 次抽样已作废。").format(number=draw.number))
