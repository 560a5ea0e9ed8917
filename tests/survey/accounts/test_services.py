"""Accounts, grants, tokens and second factors: who may change what, and what stops at once."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from survey.accounts import credentials
from survey.accounts.models import Grant, User
from survey.accounts.services import (
    create_user,
    deactivate_user,
    grant_role,
    invite_again,
    reactivate_user,
    revoke_grant,
    set_password,
)
from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def admin(regions):
    return factories.make_user("admin", "administrator", regions["370100000000"])


@pytest.fixture
def district_admin(regions):
    return factories.make_user("small", "administrator", regions["370105000000"])


def now_token(device, step=0):
    return f"{totp(device.bin_key, drift=step):06d}"


def test_a_new_account_has_no_password_until_its_owner_sets_one(admin):
    user = create_user(username="new", display_name="新人", acting_user=admin)
    assert not user.has_usable_password()
    assert AuditEntry.objects.get(action="accounts.user.created").actor_id == str(admin.pk)


def test_a_taken_name_is_refused_in_words(admin):
    with pytest.raises(Problem, match="已经有人用了"):
        create_user(username="admin", acting_user=admin)


@pytest.mark.parametrize("role", ["study_lead", "supervisor", "interviewer", "analyst", "official"])
def test_only_administrators_manage_accounts(regions, admin, role):
    user = factories.make_user("x", role, regions["370100000000"])
    grant = admin.grants.get()
    for deed in (
        lambda: create_user(username="y", acting_user=user),
        lambda: grant_role(user=user, role="administrator", region=regions["370100000000"], acting_user=user),
        lambda: revoke_grant(grant=grant, acting_user=user),
        lambda: deactivate_user(user=admin, acting_user=user),
        lambda: invite_again(user=admin, acting_user=user),
        lambda: credentials.remove_second_factor(user=admin, acting_user=user),
    ):
        with pytest.raises(Problem) as refusal:
            deed()
        assert refusal.value.code == "common.forbidden"
    assert list(Grant.objects.values_list("user__username", "role")) == [
        ("admin", "administrator"),
        ("x", role),
    ]


def test_an_administrator_of_a_district_does_not_reach_beyond_it(regions, admin, district_admin):
    mate = factories.make_user("mate", "supervisor", regions["370105001000"])
    grant_role(user=mate, role="analyst", region=regions["370105003000"], acting_user=district_admin)
    for deed in (
        lambda: grant_role(
            user=mate, role="analyst", region=regions["370104000000"], acting_user=district_admin
        ),
        lambda: grant_role(
            user=district_admin,
            role="administrator",
            region=regions["370100000000"],
            acting_user=district_admin,
        ),
        lambda: deactivate_user(user=admin, acting_user=district_admin),
        lambda: invite_again(user=admin, acting_user=district_admin),
        lambda: credentials.remove_second_factor(user=admin, acting_user=district_admin),
    ):
        with pytest.raises(Problem) as refusal:
            deed()
        assert refusal.value.code == "common.forbidden"


def test_the_same_role_twice_is_one_grant_and_one_entry(regions, admin):
    user = create_user(username="new", acting_user=admin)
    for _n in range(2):
        grant_role(user=user, role="analyst", region=regions["370105000000"], acting_user=admin)
    assert user.grants.count() == 1
    assert AuditEntry.objects.filter(action="accounts.grant.created").count() == 1
    with pytest.raises(Problem, match="没有“king”"):
        grant_role(user=user, role="king", region=regions["370105000000"], acting_user=admin)


def test_nobody_locks_out_the_own_administrator(admin):
    with pytest.raises(Problem, match="另一位管理员"):
        revoke_grant(grant=admin.grants.get(), acting_user=admin)
    with pytest.raises(Problem, match="另一位管理员"):
        deactivate_user(user=admin, acting_user=admin)


def test_a_closed_account_loses_session_and_tokens_at_once(regions, admin, client):
    user = factories.make_user("gone", "analyst", regions["370100000000"])
    AuthToken.objects.create(user=user, expiry=timedelta(days=1))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/console/").status_code == 200
    deactivate_user(user=user, acting_user=admin)
    assert client.get("/console/").status_code == 302
    assert not AuthToken.objects.filter(user=user).exists()
    reactivate_user(user=user, acting_user=admin)
    user.refresh_from_db()
    assert user.is_active
    assert user.has_role("analyst")


def test_a_new_invitation_ends_the_old_password_and_tokens(regions, admin):
    user = factories.make_user("forgot", "analyst", regions["370100000000"])
    AuthToken.objects.create(user=user, expiry=timedelta(days=1))
    link = invite_again(user=user, acting_user=admin)
    user.refresh_from_db()
    assert link.startswith("/accounts/invitation/")
    assert not user.has_usable_password()
    assert not AuthToken.objects.exists()


def test_a_new_password_ends_all_tokens(regions):
    user = factories.make_user("li", "analyst", regions["370100000000"])
    AuthToken.objects.create(user=user, expiry=timedelta(days=1))
    set_password(user=user, password="a-new-and-long-one", acting_user=user)
    user.refresh_from_db()
    assert user.check_password("a-new-and-long-one")
    assert not AuthToken.objects.exists()


def test_a_token_is_stored_hashed_and_shown_once(regions):
    user = factories.make_user("li", "analyst", regions["370100000000"])
    row, text = credentials.create_token(days=30, acting_user=user)
    stored = {str(getattr(row, field.name)) for field in row._meta.fields}
    assert text not in stored
    assert timedelta(days=29) < row.expiry - row.created < timedelta(days=31)
    entry = AuditEntry.objects.get(action="accounts.token.created")
    assert text not in str(entry.detail)


@pytest.mark.parametrize("days", [0, -1, 366, 10_000])
def test_a_token_lives_between_a_day_and_a_year(regions, days):
    user = factories.make_user("li", "analyst", regions["370100000000"])
    with pytest.raises(Problem, match="1 到 365"):
        credentials.create_token(days=days, acting_user=user)


def test_a_twenty_first_token_is_refused(regions):
    user = factories.make_user("li", "analyst", regions["370100000000"])
    for _n in range(credentials.MAX_TOKENS):
        credentials.create_token(days=1, acting_user=user)
    with pytest.raises(Problem, match="最多同时有 20"):
        credentials.create_token(days=1, acting_user=user)


def test_an_authenticator_is_confirmed_by_its_number_and_gives_ten_recovery_codes(admin):
    device = credentials.begin_enrolment(acting_user=admin)
    assert credentials.begin_enrolment(acting_user=admin).key == device.key
    with pytest.raises(Problem, match="不对"):
        credentials.confirm_enrolment(token="000000", acting_user=admin)
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    confirmed, codes = credentials.confirm_enrolment(token=now_token(device), acting_user=admin)
    assert confirmed.confirmed
    assert len(set(codes)) == 10
    with pytest.raises(Problem) as refusal:
        credentials.begin_enrolment(acting_user=admin)
    assert refusal.value.code == "common.locked"


def test_a_recovery_code_works_once_and_is_recorded(admin):
    device = credentials.begin_enrolment(acting_user=admin)
    _device, codes = credentials.confirm_enrolment(token=now_token(device), acting_user=admin)
    credentials.verify(token=codes[0].upper(), acting_user=admin)
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    with pytest.raises(Problem):
        credentials.verify(token=codes[0], acting_user=admin)
    assert AuditEntry.objects.filter(action="accounts.recovery_code.used").count() == 1


def test_wrong_numbers_in_a_row_are_slowed_down(admin):
    device = credentials.begin_enrolment(acting_user=admin)
    credentials.confirm_enrolment(token=now_token(device), acting_user=admin)
    for _n in range(3):
        with pytest.raises(Problem):
            credentials.verify(token="000000", acting_user=admin)
    with pytest.raises(Problem, match="等半分钟"):
        credentials.verify(token=now_token(device, step=1), acting_user=admin)


def test_new_recovery_codes_end_the_old_ones(admin):
    device = credentials.begin_enrolment(acting_user=admin)
    _device, old = credentials.confirm_enrolment(token=now_token(device), acting_user=admin)
    new = credentials.renew_recovery_codes(acting_user=admin)
    assert not set(old) & set(new)
    with pytest.raises(Problem):
        credentials.verify(token=old[0], acting_user=admin)


def test_the_first_administrator_is_made_on_the_command_line(regions, capsys):
    arguments = ["boss", "--name", "王管理", "--role", "administrator", "--region", "370100000000"]
    call_command("create_user", *arguments)
    assert "/accounts/invitation/" in capsys.readouterr().out
    assert User.objects.get(username="boss").has_role("administrator")
    with pytest.raises(CommandError, match="已经有人用了"):
        call_command("create_user", *arguments)
    with pytest.raises(CommandError, match="没有区划"):
        call_command("create_user", "b", "--role", "analyst", "--region", "999")
