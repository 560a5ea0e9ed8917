"""`manage.py destroy_contact_data`: run daily. Lives up here because openids are kept by this app."""

from typing import Any

from django.core.management.base import BaseCommand

from survey.audit.services import COMMAND
from survey.responses.retention import destroy_contact_data, due_rounds
from survey.wechat.services import forget_users


class Command(BaseCommand):
    help = "Destroy addresses, rosters and identities of rounds whose retention date has passed."

    def handle(self, *args: Any, **options: Any) -> None:
        for round_ in due_rounds():
            counts = destroy_contact_data(round=round_, acting_user=COMMAND)
            words = "，".join(
                f"{label} {counts[name]}"
                for name, label in (
                    ("addresses", "住址"),
                    ("rosters", "名单"),
                    ("notes", "备注"),
                    ("texts", "开放回答"),
                    ("pictures", "照片与签名"),
                    ("drafts", "没交的草稿"),
                    ("identities", "设备与微信标识"),
                )
            )
            self.stdout.write(f"{round_}：已销毁 {words}")
            if counts["frames_still_used"]:
                self.stdout.write(
                    f"  有 {counts['frames_still_used']} 份住户名录别的轮次还在用，住址等那一轮到期再销毁。"
                )
        self.stdout.write(f"openid：已销毁 {forget_users(acting_user=COMMAND)} 个")
