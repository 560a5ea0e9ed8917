"""Walks the audit chain and says whether it is whole."""

from django.core.management.base import BaseCommand, CommandError

from survey.audit.services import verify_chain


class Command(BaseCommand):
    help = "核对留痕链是否完整"

    def handle(self, *args, **options):
        count, broken = verify_chain()
        if broken:
            raise CommandError(f"留痕链在第 {count} 条断了：{broken}")
        self.stdout.write(f"留痕链完整，共 {count} 条。")
