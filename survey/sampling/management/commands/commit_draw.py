"""Commits to a draw: fixes design, frame, secrets and a future public random number."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.canonical import canonical_json
from survey.sampling.commands import find_design, in_words, read_moment
from survey.sampling.models import Draw
from survey.sampling.services import commit_draw


class Command(BaseCommand):
    help = "承诺一次抽样：把设计、名录、秘密的指纹和将来的公开随机数定下来，公布以后再抽"

    def add_arguments(self, parser):
        parser.add_argument("--design", type=int, required=True, help="设计的编号")
        parser.add_argument("--beacon-kind", choices=Draw.BeaconKind.values, required=True)
        parser.add_argument(
            "--beacon", required=True, help="“双色球 2026136 期”，或“drand quicknet 第 27946612 轮”"
        )
        parser.add_argument("--beacon-at", required=True, help="揭晓的时间，例如 2026-12-01 21:15")
        parser.add_argument("--reveal-by", required=True, help="最晚哪天公布秘密和名单，例如 2027-03-01")
        parser.add_argument(
            "--party", action="append", default=[], help="名称=秘密的 SHA-256；有几方就写几次", dest="parties"
        )
        parser.add_argument("--reason", default="", help="重抽的理由")
        parser.add_argument("--output", help="把承诺写进这个文件，拿去盖时间戳")

    def handle(self, *args, **options):
        day = parse_date(options["reveal_by"])
        if day is None:
            raise CommandError(_("看不懂日期“{text}”").format(text=options["reveal_by"]))
        parties = []
        for text in options["parties"]:
            name, _sign, digest = text.rpartition("=")
            parties.append((name, digest))
        design, moment = find_design(options["design"]), read_moment(options["beacon_at"])
        draw = in_words(
            lambda: commit_draw(
                design=design,
                beacon_kind=options["beacon_kind"],
                beacon_name=options["beacon"],
                beacon_at=moment,
                reveal_by=day,
                parties=parties,
                reason=options["reason"],
                acting_user=COMMAND,
            )
        )
        if options["output"]:
            Path(options["output"]).write_bytes(canonical_json(draw.commitment))
        self.stdout.write(
            _("抽样 {pk}（这一轮第 {number} 次）已承诺：{hash}。等“{beacon}”揭晓以后再抽。").format(
                pk=draw.pk, number=draw.number, hash=draw.commitment_hash, beacon=draw.beacon_name
            )
        )
