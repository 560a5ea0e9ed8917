"""Second factors and API tokens of one account: services of their own, since only the owner uses them."""

from base64 import b32encode
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from survey.accounts.models import User
from survey.accounts.services import check_reach
from survey.audit.services import record
from survey.common.errors import Problem

N_RECOVERY_CODES = 10
MAX_TOKEN_DAYS = 365
MAX_TOKENS = 20


def confirmed_device(user: User) -> TOTPDevice | None:
    """The account's authenticator, if it has one."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def begin_enrolment(*, acting_user: User) -> TOTPDevice:
    """The authenticator that is being set up: the same secret until it is confirmed.

    Raises
    ------
    Problem common.locked : one is confirmed already; only `remove_second_factor` clears it.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=acting_user.pk)
        if confirmed_device(acting_user):
            raise Problem("common.locked", what=_("两步验证"))
        device, _made = TOTPDevice.objects.get_or_create(
            user=acting_user, confirmed=False, defaults={"name": "authenticator"}
        )
    return device


def typed_secret(device: TOTPDevice) -> str:
    """The secret as authenticator programs take it by hand: base32 in groups of four."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def confirm_enrolment(*, token: str, acting_user: User) -> tuple[TOTPDevice, list[str]]:
    """Confirm the authenticator with its first number; returns it and ten recovery codes, shown once.

    Raises
    ------
    Problem common.invalid : the number is not the present one.
    """
    device = begin_enrolment(acting_user=acting_user)
    if not _verified(device, token):
        raise Problem("common.invalid", reason=_("这 6 位数字不对。请看手机上现在的数字，再输一遍。"))
    with transaction.atomic():
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        codes = _new_recovery_codes(acting_user)
        record(action="accounts.second_factor.enrolled", acting_user=acting_user, target=acting_user)
    return device, codes


def verify(*, token: str, acting_user: User) -> TOTPDevice | StaticDevice:
    """Check a number, or a recovery code (which is then used up); returns the device that knew it.

    Raises
    ------
    Problem common.invalid : neither knew it, or too many wrong tries in a row (django-otp throttles).
    """
    token = token.strip().lower().replace(" ", "")
    devices: list[TOTPDevice | StaticDevice] = [d for d in [confirmed_device(acting_user)] if d]
    devices += StaticDevice.objects.filter(user=acting_user, confirmed=True)
    wait = False
    for device in devices:
        allowed, _reason = device.verify_is_allowed()
        wait = wait or not allowed
        if _verified(device, token):
            if isinstance(device, StaticDevice):
                with transaction.atomic():
                    record(action="accounts.recovery_code.used", acting_user=acting_user, target=acting_user)
            return device
    if wait:
        raise Problem("common.invalid", reason=_("连着输错了几次。请等半分钟，用手机上新的数字再试。"))
    raise Problem("common.invalid", reason=_("不对。请输入手机上现在的 6 位数字，或一个没用过的恢复码。"))


def _verified(device: TOTPDevice | StaticDevice, token: str) -> bool:
    allowed, _reason = device.verify_is_allowed()
    return bool(allowed and device.verify_token(token.strip().replace(" ", "")))


def _new_recovery_codes(user: User) -> list[str]:
    device, _made = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery"})
    device.token_set.all().delete()
    codes = [StaticToken.random_token() for _n in range(N_RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def renew_recovery_codes(*, acting_user: User) -> list[str]:
    """Ten new recovery codes; the old ones stop working."""
    with transaction.atomic():
        codes = _new_recovery_codes(acting_user)
        record(action="accounts.recovery_codes.renewed", acting_user=acting_user, target=acting_user)
    return codes


def remove_second_factor(*, user: User, acting_user: User) -> None:
    """Forget an authenticator and its recovery codes, e.g. with a new phone. Sessions must verify anew."""
    if user.pk != acting_user.pk:
        check_reach(user, acting_user)
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        record(action="accounts.second_factor.removed", acting_user=acting_user, target=user)


def create_token(*, days: int, acting_user: User) -> tuple[AuthToken, str]:
    """Make an API token that ends after 1–365 days; returns its row and the text, which is shown once.

    Raises
    ------
    Problem common.invalid : days out of range, or twenty tokens are alive.
    """
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Problem("common.invalid", reason=_("有效期请填 1 到 365 天。"))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=acting_user.pk)
        if AuthToken.objects.filter(user=acting_user).count() >= MAX_TOKENS:
            raise Problem("common.invalid", reason=_("最多同时有 20 个令牌。请先停用不用的。"))
        row, text = AuthToken.objects.create(user=acting_user, expiry=timedelta(days=days))
        record(
            action="accounts.token.created",
            acting_user=acting_user,
            target=acting_user,
            detail={"days": days, "begins_with": row.token_key[:8]},
        )
    return row, text


def revoke_token(*, token: AuthToken, acting_user: User) -> None:
    """End a token now."""
    with transaction.atomic():
        record(
            action="accounts.token.revoked",
            acting_user=acting_user,
            target=token.user,
            detail={"begins_with": token.token_key[:8]},
        )
        token.delete()
