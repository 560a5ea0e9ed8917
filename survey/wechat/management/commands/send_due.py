"""manage.py send_due ROUND: send the round's messages that are due, at most once each."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey.studies.models import Round
from survey.wechat import board, mass, sending


class Command(BaseCommand):
    help = "Send the round's planned messages that are due; what the workers do by themselves, too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", type=int, help="number (id) of the round")
        parser.add_argument("--limit", type=int, default=1000, help="at most so many (1000)")

    def handle(self, *args: Any, **options: Any) -> None:
        round_ = Round.objects.filter(pk=options["round"]).first()
        if round_ is None:
            raise CommandError(f"没有第 {options['round']} 号轮次。")
        n = sending.send_due(options["limit"], round=round_) + mass.send_mass_due(round=round_)
        self.stdout.write(f"发出 {n} 条。现在的情况：")
        for row in board.message_states(round_):
            self.stdout.write(f"  {row['step']} {row['channel_name']}：{row['state_name']} {row['n']} 条")
