"""Retires the key that signs certificates and makes another."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from survey.audit.services import COMMAND
from survey.sampling.signing import rotate_key


class Command(BaseCommand):
    help = "换一把签抽样证书的密钥；以前承诺的抽样仍用当时的密钥签"

    def handle(self, *args, **options):
        key = rotate_key(acting_user=COMMAND)
        self.stdout.write(_("新的公钥：{key}。请公布出来。").format(key=key.public_key))
