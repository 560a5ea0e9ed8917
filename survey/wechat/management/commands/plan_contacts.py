"""manage.py plan_contacts ROUND --dry-run: who would get what now, and why the others would not."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from survey.audit.services import COMMAND
from survey.common.clock import now
from survey.studies.models import Round
from survey.wechat.planning import REASONS, plan_round, store_plan, summarise


class Command(BaseCommand):
    help = "Plan the contacts of an open round: count them (--dry-run), or write the messages down."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", type=int, help="number (id) of the round")
        parser.add_argument("--dry-run", action="store_true", help="only say, write nothing")
        parser.add_argument("--list", action="store_true", help="a line for each household (with --dry-run)")
        parser.add_argument(
            "--at", default="", help="as if it were this moment, such as 2026-12-01T10:00+08:00"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        round_ = Round.objects.filter(pk=options["round"]).first()
        if round_ is None:
            raise CommandError(f"没有第 {options['round']} 号轮次。")
        if not options["dry_run"] and round_.state != Round.State.OPEN:
            raise CommandError("这一轮没有在收卷，不能排联系；可以加 --dry-run 先看看。")
        at = parse_datetime(options["at"]) if options["at"] else now()
        if at is None or at.tzinfo is None:
            raise CommandError("--at 请写成 2026-12-01T10:00+08:00 的样子。")
        if options["dry_run"]:
            summary = summarise(self._seen(plan_round(round_, moment=at), listed=options["list"]))
        else:
            summary = store_plan(round=round_, acting_user=COMMAND, moment=at)
        self.stdout.write(f"共 {summary.n_households} 户。")
        for (step, mode, channel), n in sorted(summary.due.items()):
            self.stdout.write(f"  {step}：{mode}{'/' + channel if channel else ''} {n} 户")
        for reason, n in summary.passed_over.most_common():
            self.stdout.write(f"  其中没有用微信：{REASONS[reason]} {n} 户")
        for reason, n in summary.reasons.most_common():
            self.stdout.write(f"  不联系：{REASONS[reason]} {n} 户")
        if not options["dry_run"]:
            self.stdout.write(f"新写下 {summary.n_stored} 条微信消息。信和上门不自动做，请到后台安排。")

    def _seen(self, decisions: Any, *, listed: bool) -> Any:
        for decision in decisions:
            if listed:
                what = f"{decision.step} {decision.mode} {decision.channel}".strip() if decision.mode else "—"
                why = str(REASONS[decision.reason]) if decision.reason else ""
                self.stdout.write(f"{decision.number}\t{what}\t{why}")
            yield decision
