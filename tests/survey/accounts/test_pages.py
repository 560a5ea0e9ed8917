"""Log-in, lock, second factor and one's own pages, through HTTP."""

import pytest
from django.conf import settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from survey.accounts.models import User
from survey.accounts.services import create_user, grant_role, invitation_path
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def admin(regions):
    return factories.make_user("admin", "administrator", regions["370100000000"])


def log_in(client, name, password=None, **extra):
    body = {"username": name, "password": password or f"{name}-password", **extra}
    return client.post("/accounts/login/", body)


def enrol(client):
    """Walk through enrolment as a person does; returns the device and the page with recovery codes."""
    client.get("/accounts/second-factor/")
    device = TOTPDevice.objects.get(confirmed=False)
    page = client.post("/accounts/second-factor/", {"token": f"{totp(device.bin_key):06d}"})
    device.refresh_from_db()
    return device, page


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("study_lead", "/console/"),
        ("supervisor", "/console/"),
        ("analyst", "/console/"),
        ("interviewer", "/field/"),
        ("official", "/reports/"),
    ],
)
def test_each_role_begins_where_its_work_is(client, regions, role, path):
    factories.make_user("zhou", role, regions["370105000000"])
    assert log_in(client, "zhou").url == path
    assert client.get("/accounts/start/").url == path


def test_somebody_without_a_role_sees_the_own_account_only(client, regions):
    factories.make_user("none")
    assert log_in(client, "none").url == "/accounts/me/"
    page = client.get("/accounts/me/").content.decode()
    assert "还没有角色" in page


def test_a_wrong_password_is_told_and_the_fifth_locks(client, lead):
    for _n in range(4):
        page = log_in(client, "li", "wrong")
        assert page.status_code == 200
        assert "用户名或密码不对" in page.content.decode()
    locked = log_in(client, "li", "wrong")
    assert locked.status_code == 429
    assert "先锁 15 分钟" in locked.content.decode()
    assert log_in(client, "li").status_code == 429


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_log_in_never_leads_to_another_site(client, lead, target):
    assert log_in(client, "li", next=target).url == "/console/"


def test_log_in_goes_on_to_the_wanted_page(client, lead):
    assert log_in(client, "li", next="/console/jobs/").url == "/console/jobs/"


def test_logging_out_is_a_post_and_ends_the_session(client, lead):
    log_in(client, "li")
    assert client.get("/accounts/logout/").status_code == 405
    client.post("/accounts/logout/")
    assert client.get("/console/").url.startswith("/accounts/login/")


@pytest.mark.parametrize(
    "path",
    [
        "/console/",
        "/accounts/me/",
        "/accounts/me/tokens/",
        "/accounts/members/",
        "/accounts/audit/",
        "/admin/",
    ],
)
def test_an_administrator_reaches_nothing_before_the_second_factor(client, admin, path):
    log_in(client, "admin")
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/second-factor/")


def test_an_administrator_enrols_and_then_verifies_at_each_log_in(client, admin):
    log_in(client, "admin")
    enrolment = client.get("/accounts/second-factor/?next=/accounts/members/").content.decode()
    assert "<svg" in enrolment
    device, page = enrol(client)
    assert device.confirmed
    assert page.content.decode().count("<br>") == 9
    assert client.get("/accounts/members/").status_code == 200
    client.post("/accounts/logout/")

    log_in(client, "admin")
    assert client.get("/accounts/members/").status_code == 302
    asked = client.get("/accounts/second-factor/").content.decode()
    assert '<svg class="segno"' not in asked
    assert device.key not in asked
    wrong = client.post("/accounts/second-factor/", {"token": "123456"})
    assert "不对" in wrong.content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    number = f"{totp(device.bin_key, drift=1):06d}"
    done = client.post("/accounts/second-factor/", {"token": number, "next": "/accounts/members/"})
    assert done.url == "/accounts/members/"
    assert client.get("/accounts/members/").status_code == 200


def test_a_password_alone_cannot_replace_an_enrolled_authenticator(client, admin):
    log_in(client, "admin")
    device, _page = enrol(client)
    client.post("/accounts/logout/")
    log_in(client, "admin")
    client.post("/accounts/me/second-factor/", {"do": "remove"})
    client.get("/accounts/second-factor/")
    assert list(TOTPDevice.objects.values_list("pk", "confirmed")) == [(device.pk, True)]


def test_whoever_sets_one_up_is_asked_for_it_too(client, lead):
    log_in(client, "li")
    enrol(client)
    client.post("/accounts/logout/")
    log_in(client, "li")
    assert client.get("/console/").url.startswith("/accounts/second-factor/")


def test_a_verified_owner_changes_phones(client, admin):
    log_in(client, "admin")
    enrol(client)
    assert client.post("/accounts/me/second-factor/", {"do": "codes"}).content.decode().count("<br>") == 9
    client.post("/accounts/me/second-factor/", {"do": "remove"})
    assert not TOTPDevice.objects.exists()
    assert client.get("/accounts/members/").status_code == 302


def test_an_invitation_sets_the_password_once(client, admin, regions):
    user = create_user(username="new", display_name="新人", acting_user=admin)
    grant_role(user=user, role="analyst", region=regions["370105000000"], acting_user=admin)
    link = invitation_path(user)
    page = client.get(link, follow=True)
    assert "给自己设一个密码" in page.content.decode()
    body = {"new_password1": "short", "new_password2": "short"}
    assert "至少" in client.post(page.redirect_chain[-1][0], body).content.decode()
    body = dict.fromkeys(("new_password1", "new_password2"), "a-long-enough-one")
    assert client.post(page.redirect_chain[-1][0], body).url == "/accounts/login/"
    assert log_in(client, "new", "a-long-enough-one").url == "/console/"
    client.post("/accounts/logout/")
    assert "这个链接不能用了" in client.get(link, follow=True).content.decode()


def test_the_language_is_remembered_with_the_account(client, lead):
    log_in(client, "li")
    answer = client.post("/accounts/language/", {"language": "en", "next": "/console/"})
    assert answer.url == "/console/"
    assert User.objects.get(pk=lead.pk).language == "en"
    assert 'lang="en"' in client.get("/console/").content.decode()
    client.post("/accounts/logout/")
    client.cookies.clear()
    assert log_in(client, "li").cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"


@pytest.mark.parametrize("code", ["xx", "", "../../etc"])
def test_an_unknown_language_changes_nothing(client, lead, code):
    log_in(client, "li")
    client.post("/accounts/language/", {"language": code, "next": "https://evil.example/"})
    assert User.objects.get(pk=lead.pk).language == "zh-hans"


def test_changing_the_password_keeps_this_session(client, lead):
    log_in(client, "li")
    body = {
        "old_password": "li-password",
        "new_password1": "another-long-one",
        "new_password2": "another-long-one",
    }
    assert client.post("/accounts/me/password/", body).url == "/accounts/me/"
    assert client.get("/console/").status_code == 200
    client.post("/accounts/logout/")
    assert log_in(client, "li", "another-long-one").status_code == 302


def test_a_token_is_shown_on_one_page_only_and_opens_the_api(client, lead):
    log_in(client, "li")
    page = client.post("/accounts/me/tokens/", {"days": 7})
    text = page.context["text"]
    assert text in page.content.decode()
    assert text not in client.get("/accounts/me/tokens/").content.decode()
    assert "no-store" in page["Cache-Control"]
    row = AuthToken.objects.get()
    client.post(f"/accounts/me/tokens/{row.token_key}/revoke/")
    assert not AuthToken.objects.exists()


def test_nobody_revokes_the_token_of_another(client, lead, official):
    row, _text = AuthToken.objects.create(user=official)
    log_in(client, "li")
    assert client.post(f"/accounts/me/tokens/{row.token_key}/revoke/").status_code == 404
    assert AuthToken.objects.count() == 1


@pytest.fixture
def verified(client, admin):
    log_in(client, "admin")
    enrol(client)
    return client


def test_an_administrator_adds_a_member_who_gets_a_link_of_her_own(verified):
    body = {"username": "qian", "display_name": "钱", "role": "analyst", "region": "天桥区"}
    page = verified.post("/accounts/members/new/", body).content.decode()
    assert "/accounts/invitation/" in page
    user = User.objects.get(username="qian")
    assert user.has_role("analyst")
    assert "钱" in verified.get("/accounts/members/?q=钱").content.decode()


@pytest.mark.parametrize("region", ["不存在的区", "999999999999", ""])
def test_an_unknown_region_is_said_and_nothing_is_made(verified, region):
    body = {"username": "qian", "display_name": "钱", "role": "analyst", "region": region}
    page = verified.post("/accounts/members/new/", body)
    assert page.status_code == 200
    assert not User.objects.filter(username="qian").exists()


def test_roles_are_given_and_taken_on_the_members_page(verified, regions):
    user = factories.make_user("sun", "supervisor", regions["370105000000"])
    path = f"/accounts/members/{user.pk}/"
    verified.post(path, {"do": "grant", "role": "analyst", "region": "370104000000"})
    assert set(user.grants.values_list("role", flat=True)) == {"supervisor", "analyst"}
    verified.post(path, {"do": "revoke", "grant": user.grants.get(role="supervisor").pk})
    assert set(user.grants.values_list("role", flat=True)) == {"analyst"}
    verified.post(path, {"do": "deactivate"})
    assert not User.objects.get(pk=user.pk).is_active
    verified.post(path, {"do": "reactivate"})
    assert "/accounts/invitation/" in verified.post(path, {"do": "invite"}).content.decode()
    assert not User.objects.get(pk=user.pk).has_usable_password()


def test_a_grant_of_another_account_is_not_revoked_through_this_page(verified, regions, lead):
    user = factories.make_user("sun", "supervisor", regions["370105000000"])
    path = f"/accounts/members/{user.pk}/"
    assert verified.post(path, {"do": "revoke", "grant": lead.grants.get().pk}).status_code == 404
    assert lead.grants.exists()


def test_the_trail_is_listed_filtered_and_verified(verified):
    page = verified.get("/accounts/audit/").content.decode()
    assert "accounts.second_factor.enrolled" in page
    assert "没有这样的记录" in verified.get("/accounts/audit/?action=nothing").content.decode()
    assert "逐条核对无误" in verified.get("/accounts/audit/?verify=1").content.decode()


def test_djangos_admin_is_open_to_the_verified_administrator_and_changes_nothing(verified, lead):
    assert verified.get("/admin/").status_code == 200
    assert verified.get("/admin/accounts/user/").status_code == 200
    assert verified.get("/admin/accounts/user/add/").status_code == 403
    assert verified.post(f"/admin/accounts/user/{lead.pk}/delete/", {"post": "yes"}).status_code == 403
    page = verified.get(f"/admin/accounts/user/{lead.pk}/change/").content.decode()
    assert lead.password not in page
    for path in ("otp_totp/totpdevice", "otp_static/staticdevice", "knox/authtoken"):
        assert verified.get(f"/admin/{path}/").status_code == 404


@pytest.mark.parametrize("role", ["study_lead", "supervisor", "interviewer", "analyst", "official"])
def test_djangos_admin_is_closed_to_everybody_else(client, regions, role):
    factories.make_user("x", role, regions["370100000000"])
    log_in(client, "x")
    for path in ("/admin/", "/admin/accounts/user/", "/admin/sampling/case/", "/admin/login/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert (
            client.get(path, follow=True)
            .request["PATH_INFO"]
            .startswith(("/console/", "/field/", "/reports/"))
        )
