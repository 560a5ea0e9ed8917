"""Reveals a draw after its field has closed, and writes its certificate."""

from pathlib import Path

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.canonical import canonical_json
from survey.sampling.commands import find_draw, in_words
from survey.sampling.public_frame import frame_lines, gzipped, in_chunks
from survey.sampling.services import reveal_draw


class Command(BaseCommand):
    help = "结束收卷以后公布秘密、种子和抽中的名单，生成签名的证书"

    def add_arguments(self, parser):
        parser.add_argument("--draw", type=int, required=True, help="抽样的编号")
        parser.add_argument("--certificate", help="把证书写进这个文件（JSON）")
        parser.add_argument("--frame", help="把公开名录写进这个文件（.csv.gz）")

    def handle(self, *args, **options):
        waiting = find_draw(options["draw"])
        draw = in_words(lambda: reveal_draw(draw=waiting, acting_user=COMMAND))
        if options["certificate"]:
            Path(options["certificate"]).write_bytes(canonical_json(draw.certificate))
        if options["frame"]:
            with Path(options["frame"]).open("wb") as file:
                for piece in gzipped(in_chunks(frame_lines(draw.design.frame))):
                    file.write(piece)
        self.stdout.write(
            _("第 {number} 次抽样已公布，承诺 {hash}。").format(number=draw.number, hash=draw.commitment_hash)
        )
