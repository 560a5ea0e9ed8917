"""Keeps a third party's time stamp of a commitment."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.commands import find_draw, in_words, read_moment
from survey.sampling.models import DrawTimestamp
from survey.sampling.services import record_timestamp


class Command(BaseCommand):
    help = "登记第三方对承诺的时间证明：时间戳回执（RFC 3161）、公开发表或公证"

    def add_arguments(self, parser):
        parser.add_argument("--draw", type=int, required=True, help="抽样的编号")
        parser.add_argument("--kind", choices=DrawTimestamp.Kind.values, required=True)
        parser.add_argument("--authority", required=True, help="谁作证")
        parser.add_argument("--token", help="时间戳回执文件（.tsr）")
        parser.add_argument("--at", help="作证的时间；回执自带时间，不用写")
        parser.add_argument("--address", default="", help="公开发表的网址")
        parser.add_argument("--note", default="", help="公证书编号等")

    def handle(self, *args, **options):
        draw, token = find_draw(options["draw"]), b""
        if options["token"]:
            try:
                token = Path(options["token"]).read_bytes()
            except OSError as error:
                raise CommandError(_("打不开 {path}").format(path=options["token"])) from error
        moment = read_moment(options["at"]) if options["at"] else None
        stamp = in_words(
            lambda: record_timestamp(
                draw=draw,
                kind=options["kind"],
                authority=options["authority"],
                stamped_at=moment,
                token=token,
                address=options["address"],
                note=options["note"],
                acting_user=COMMAND,
            )
        )
        self.stdout.write(
            _("记下了：{authority}，{at}").format(
                authority=stamp.authority, at=f"{localtime(stamp.stamped_at):%Y-%m-%d %H:%M:%S}"
            )
        )
