"""Makes the pair of keys for backups: the public half for the settings, the secret one for a safe."""

from pathlib import Path

import pyrage
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _


class Command(BaseCommand):
    help = "生成备份用的一对密钥：公钥写进设置，私钥写进文件，请移到别的地方保管"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser):
        parser.add_argument("--out", type=Path, required=True, help="私钥写到哪个文件；已有的文件不会被覆盖")

    def handle(self, *args, out: Path, **options):
        identity = pyrage.x25519.Identity.generate()
        try:
            with out.open("x", encoding="utf-8") as file:
                out.chmod(0o600)
                file.write(f"{identity}\n")
        except FileExistsError:
            raise CommandError(_("{path} 已经有了，没有覆盖。").format(path=out)) from None
        self.stdout.write(f"MINYI_BACKUP_RECIPIENT={identity.to_public()}")
        self.stderr.write(
            _(
                "私钥在 {path}。请把它移到 U 盘或保险柜，从这台机器删掉：没有它，谁也打不开备份，您也不能。"
            ).format(path=out)
        )
