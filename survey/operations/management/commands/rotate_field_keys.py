"""Encrypts everything anew with the first field key."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.common.crypto import DecryptionError
from survey.operations.rotation import rotate_field_keys


class Command(BaseCommand):
    help = "把所有加密的内容换到 MINYI_FIELD_KEYS 的第一把密钥上；可以随时停下、再来"

    def handle(self, *args, **options):
        try:
            moved = rotate_field_keys(acting_user=COMMAND, tell=self._tell)
        except DecryptionError as error:
            raise CommandError(
                _(
                    "有内容哪把密钥都打不开（{reason}）。换好的留着；请把旧密钥放回 MINYI_FIELD_KEYS 再来。"
                ).format(reason=error)
            ) from error
        self.stdout.write(
            _(
                "换好了：{n} 处。现在可以从 MINYI_FIELD_KEYS 里拿掉旧密钥。"
                "旧备份仍要用旧密钥打开，请另行保管。"
            ).format(n=f"{sum(moved.values()):,}")
        )

    def _tell(self, name: str, n: int) -> None:
        if n:
            self.stdout.write(f"{name}: {n:,}")
