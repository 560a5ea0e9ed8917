"""Verifies a certificate as anybody can, or, as only the operator can, a draw in the database."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.certificate import certificate_of
from survey.sampling.commands import find_draw, in_words
from survey.sampling.models import Draw
from survey.sampling.public_frame import frame_lines
from survey.sampling.services import check_frame
from survey.sampling.verification import redraw
from survey.sampling.verify_draw import MARKS, Verdict, read_certificate, verify


class Command(BaseCommand):
    help = "核验抽样：给证书（和公开名录）就像任何人那样核；给 --draw 就按数据库逐户核，说出哪一户不同"

    def add_arguments(self, parser):
        parser.add_argument("certificate", nargs="?", help="证书文件")
        parser.add_argument("frame", nargs="?", help="公开名录（.csv 或 .csv.gz）")
        parser.add_argument("--draw", type=int, help="数据库里抽样的编号")
        parser.add_argument("--public-key", default="", help="主办方公布的公钥")
        parser.add_argument("--commitment", default="", help="抽样以前公布的承诺指纹")

    def handle(self, *args, **options):
        if options["draw"] is not None:
            sound = self.check_stored(find_draw(options["draw"]))
        elif options["certificate"]:
            verdict = self.check_files(options)
            self.tell(verdict)
            sound = verdict.ok
            if verdict.ok and not verdict.complete:
                raise CommandError(_("还不能说：查过的都对得上，但没有全部查到"), returncode=2)
        else:
            raise CommandError(_("请给证书文件，或用 --draw 给抽样的编号"), returncode=2)
        if not sound:
            raise CommandError(_("否：对不上，见上面打叉的各项"))
        self.stdout.write(_("是：对得上。"))

    def check_files(self, options: dict) -> Verdict:
        """What the single file does."""
        try:
            certificate = read_certificate(options["certificate"])
            lines = file_lines(Path(options["frame"])) if options["frame"] else None
            return verify(certificate, lines, options["public_key"], options["commitment"])
        except (OSError, EOFError, ValueError) as error:
            raise CommandError(_("文件读不了：{why}").format(why=error), returncode=2) from error

    def check_stored(self, draw: Draw) -> bool:
        """Certificate and frame as stored, the draw done again from its secrets, each household's line."""
        verdict = verify(in_words(lambda: certificate_of(draw)), frame_lines(draw.design.frame))
        self.tell(verdict)
        found = check_frame(frame=draw.design.frame, acting_user=COMMAND)
        for item in (*found.communities, *found.households):
            self.stdout.write(f"{MARKS['differs']} {' '.join(str(value) for value in item)}")
        differences = redraw(draw).differences if draw.drawn_at is not None else ()
        for item in differences:
            words = _("{where}：应为 {expected}，实为 {found}")
            line = words.format(where=item.where, expected=item.expected, found=item.found)
            self.stdout.write(f"{MARKS['differs']} {line}")
        return verdict.ok and found.is_sound and not differences

    def tell(self, verdict: Verdict) -> None:
        """Each finding on its line."""
        language = "en" if (get_language() or "").startswith("en") else "zh"
        for finding in verdict.findings:
            self.stdout.write(f"{MARKS[finding.level]} {finding.where}: {finding.text(language)}")


def file_lines(path: Path) -> Iterator[str]:
    """Lines of a public frame, packed or not."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as file:
        yield from file
