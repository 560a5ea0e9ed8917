"""Releases the next reserve replicate of a draw, whole."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.commands import find_draw, in_words
from survey.sampling.services import release_replicate


class Command(BaseCommand):
    help = "整批放出下一批备用样本"

    def add_arguments(self, parser):
        parser.add_argument("--draw", type=int, required=True, help="抽样的编号")
        parser.add_argument("--number", type=int, required=True, help="第几批")
        parser.add_argument("--reason", required=True, help="理由")

    def handle(self, *args, **options):
        draw = find_draw(options["draw"])
        replicate = in_words(
            lambda: release_replicate(
                draw=draw, number=options["number"], reason=options["reason"], acting_user=COMMAND
            )
        )
        self.stdout.write(
            _("第 {number} 批备用样本放出了 {n} 户。").format(number=replicate.number, n=replicate.n_cases)
        )
