"""Makes an account with a role, above all the first administrator; prints the link that sets its password."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from survey.accounts.models import Grant
from survey.accounts.services import create_user, grant_role, invitation_path
from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.regions.models import Region


class Command(BaseCommand):
    help = "建一个账号并给角色，例如第一位管理员；打印设密码的链接"

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="姓名")
        parser.add_argument("--role", required=True, choices=Grant.Role.values)
        parser.add_argument("--region", required=True, help="12 位区划代码")

    def handle(self, *args, username, name, role, region, **options):
        place = Region.objects.filter(code=region).first()
        if place is None:
            raise CommandError(f"没有区划 {region}。请先运行 import_regions。")
        try:
            with transaction.atomic():
                user = create_user(username=username, display_name=name, acting_user=COMMAND)
                grant_role(user=user, role=role, region=place, acting_user=COMMAND)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        self.stdout.write(f"{user} 已建好。三天内打开这个链接设密码，只能用一次：")
        self.stdout.write(f"{settings.PUBLIC_URL}{invitation_path(user)}")
