"""Accounts: making them, granting roles, closing them. Each deed leaves its entry."""

from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from knox.models import AuthToken

from survey.accounts.models import Grant, User
from survey.accounts.policies import ADMINISTRATOR, require
from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.regions.models import Region


def _check(acting_user: Actor, region: Region | None = None) -> None:
    """A person must be an administrator (of the region); commands act for whoever runs the machine."""
    if isinstance(acting_user, User):
        require(acting_user, "accounts.manage", region)


def create_user(*, username: str, display_name: str = "", acting_user: Actor, **values: Any) -> User:
    """Make an account without a password: its owner sets one through `invitation_path`.

    Raises
    ------
    Problem common.invalid : the name is taken.
    """
    _check(acting_user)
    try:
        with transaction.atomic():
            user = User(username=username, display_name=display_name, **values)
            user.set_unusable_password()
            user.save(force_insert=True)
            record(action="accounts.user.created", acting_user=acting_user, target=user)
    except IntegrityError:
        raise Problem("common.invalid", reason=_("用户名“%s”已经有人用了，请换一个。") % username) from None
    return user


def invitation_path(user: User) -> str:
    """The address at which the account's owner sets a password; valid three days, and only once."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("accounts:invitation", args=[uid, default_token_generator.make_token(user)])


def invite_again(*, user: User, acting_user: Actor) -> str:
    """A new invitation for somebody who forgot the password; the old password stops working at once."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        check_reach(user, acting_user)
        user.set_unusable_password()
        user.save(update_fields=["password"])
        AuthToken.objects.filter(user=user).delete()
        record(action="accounts.user.invited", acting_user=acting_user, target=user)
    return invitation_path(user)


def check_reach(user: User, acting_user: Actor) -> None:
    """Raise Problem common.forbidden unless an administrator of every region that `user` has a grant on."""
    _check(acting_user)
    for grant in user.grants.select_related("region"):
        _check(acting_user, grant.region)
    if user.is_superuser and isinstance(acting_user, User) and not acting_user.is_superuser:
        raise Problem("common.forbidden")


def grant_role(*, user: User, role: str, region: Region, acting_user: Actor) -> Grant:
    """Give a role on a region and everything below it; giving it twice changes nothing."""
    _check(acting_user, region)
    if role not in Grant.Role.values:
        raise Problem("common.invalid", reason=_("没有“%s”这个角色。") % role)
    with transaction.atomic():
        grant, is_new = Grant.objects.get_or_create(user=user, role=role, region=region)
        if is_new:
            record(
                action="accounts.grant.created",
                acting_user=acting_user,
                target=user,
                region_code=region.code,
                detail={"role": role},
            )
    return grant


def revoke_grant(*, grant: Grant, acting_user: Actor) -> None:
    """Take a role away. Nobody takes away the own administrator's role: the house must keep a key."""
    _check(acting_user, grant.region)
    if grant.user_id == acting_user.pk and grant.role == ADMINISTRATOR:
        raise Problem("common.invalid", reason=_("不能收回自己的管理员角色。请另一位管理员来做。"))
    with transaction.atomic():
        record(
            action="accounts.grant.revoked",
            acting_user=acting_user,
            target=grant.user,
            region_code=grant.region.code,
            detail={"role": grant.role},
        )
        grant.delete()


def deactivate_user(*, user: User, acting_user: Actor) -> User:
    """Close an account: its sessions and API tokens stop at once. The history stays."""
    check_reach(user, acting_user)
    if user.pk == acting_user.pk:
        raise Problem("common.invalid", reason=_("不能停用自己。请另一位管理员来做。"))
    with transaction.atomic():
        user.is_active = False
        user.save(update_fields=["is_active"])
        AuthToken.objects.filter(user=user).delete()
        record(action="accounts.user.deactivated", acting_user=acting_user, target=user)
    return user


def reactivate_user(*, user: User, acting_user: Actor) -> User:
    """Open a closed account again; its grants are as they were."""
    check_reach(user, acting_user)
    with transaction.atomic():
        user.is_active = True
        user.save(update_fields=["is_active"])
        record(action="accounts.user.reactivated", acting_user=acting_user, target=user)
    return user


def set_password(*, user: User, password: str, acting_user: Actor) -> User:
    """Store a new password (already validated by the form); all API tokens of the account end."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        AuthToken.objects.filter(user=user).delete()
        record(action="accounts.password.changed", acting_user=acting_user, target=user)
    return user


def set_language(*, user: User, language: str, acting_user: Actor) -> User:
    """Remember the language in which the account reads. Not a deed worth an audit entry."""
    User.objects.filter(pk=user.pk).update(language=language)
    user.language = language
    return user
