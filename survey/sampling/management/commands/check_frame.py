"""Checks that a stored frame is the one that was imported, and names the households that differ."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.sampling.models import FrameVersion
from survey.sampling.services import check_frame


class Command(BaseCommand):
    help = "核对一版名录是否仍是导入时的样子，不一样的指出是哪一户、哪里不同"

    def add_arguments(self, parser):
        parser.add_argument("number", type=int, help="名录的版号")
        parser.add_argument("--against", help="公开过的名录（CSV）：连同伪造的承诺值也逐户指出")

    def handle(self, *args, **options):
        frame = FrameVersion.objects.filter(number=options["number"]).first()
        if frame is None:
            raise CommandError(_("没有第 {number} 版名录").format(number=options["number"]))
        try:
            check = check_frame(frame=frame, acting_user=COMMAND, public_list=options["against"])
        except Problem as problem:
            raise CommandError(problem.message) from problem
        for community in check.communities:
            self.stderr.write(f"{community.code} {community.name}：{community.what}")
        for household in check.households:
            where = (
                _("名录第 {position} 户").format(position=household.position)
                if household.position
                else household.opaque_id
            )
            self.stderr.write(
                f"{household.community_code} {household.community_name} {where}：{household.what}"
            )
        words = _("第 {number} 版名录{words}").format(number=frame.number, words=check.words)
        if not check.is_sound:
            raise CommandError(words)
        self.stdout.write(
            _("{words}共 {households} 户，指纹 {hash}。").format(
                words=words, households=frame.n_households, hash=frame.frame_hash
            )
        )
