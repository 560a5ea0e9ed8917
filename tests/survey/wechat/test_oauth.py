"""The log-in inside WeChat, against the sandbox by its two base addresses only."""

from datetime import timedelta

import pytest
import requests

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.responses.models import Flag, Respondent, Response
from survey.wechat.models import OAuthState, WeChatUser
from survey.wechat.sandbox.webview import USER_AGENT
from survey.wechat.services import OPENID_PURPOSE, save_account
from tests.residents import Phone, make_open_round, write_letter
from tests.survey.wechat.conftest import APP_ID, SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def open_round(regions):
    return make_open_round(regions["370105000000"])


@pytest.fixture
def account(open_round, sandbox, settings):
    """The study's account, known to the sandbox; the site's host is its redirect host."""
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = sandbox.url
    settings.PUBLIC_URL = "http://testserver"
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["testserver"])
    return save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        studies=[open_round.study],
        acting_user=SYSTEM,
    )


@pytest.fixture
def letter(open_round):
    return write_letter(open_round.cases.order_by("number").first())[0]


def tap(phone: Phone, qr: str):
    """The letter's button, up to the address of WeChat's log-in."""
    start = phone.post(f"/s/{qr}", {})
    assert start["Location"].startswith("/wechat/oauth/start/")
    return phone.http.get(start["Location"])["Location"]


def authorise(address: str, resident: str = "wang") -> str:
    """What WeChat does with that address: back to the callback, with code and state."""
    headers = {"X-Sandbox-Resident": resident, "User-Agent": USER_AGENT}
    answer = requests.get(address, headers=headers, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix("http://testserver")


def log_in(phone: Phone, qr: str, resident: str = "wang"):
    """From the letter to the welcome."""
    return phone.land(phone.http.get(authorise(tap(phone, qr), resident)))


def test_a_letter_opened_in_wechat_comes_back_identified_at_a_clean_address(account, letter, sandbox):
    phone = Phone(in_wechat=True)
    page = log_in(phone, letter)
    assert page.status_code == 200 and "我愿意，开始答题" in page.content.decode()
    address = page.wsgi_request.get_full_path()
    assert address == phone.home and "code" not in address and "state" not in address
    respondent = Respondent.objects.get()
    assert respondent.channel == "wechat" and respondent.identity_hash


def test_the_openid_is_encrypted_hashed_and_nowhere_else(account, letter, sandbox, caplog):
    caplog.set_level("DEBUG")
    log_in(Phone(in_wechat=True), letter)
    openid = sandbox.control.openid(APP_ID, "wang")
    user = WeChatUser.objects.get()
    assert decrypt(user.openid_cipher, OPENID_PURPOSE) == openid
    respondent = Respondent.objects.get()
    assert respondent.identity_hash == user.openid_hash and openid not in str(vars(respondent))
    assert openid not in caplog.text and SECRET not in caplog.text


def test_a_resident_in_wechat_answers_to_the_end(account, letter):
    phone = Phone(in_wechat=True)
    log_in(phone, letter)
    phone.consent()
    phone.choose()
    assert phone.submit().status_code == 201
    assert Response.objects.get().respondent.channel == "wechat"
    assert Response.objects.get().case.contacts.get().mode == "wechat"


def test_outside_wechat_and_without_an_account_the_browser_is_enough(account, letter):
    assert "/r/" in Phone().post(f"/s/{letter}", {})["Location"]
    account.is_active = False
    account.save()
    assert "/r/" in Phone(in_wechat=True).post(f"/s/{letter}", {})["Location"]


def test_enterprise_wechat_is_not_wechat(account, letter):
    phone = Phone(in_wechat=True)
    phone.http.defaults["HTTP_USER_AGENT"] += " wxwork/4.1"
    assert "/r/" in phone.post(f"/s/{letter}", {})["Location"]


def test_before_the_log_in_is_done_no_page_opens(account, letter):
    phone = Phone(in_wechat=True)
    tap(phone, letter)
    key = Respondent.objects.get().public_id
    response = phone.http.get(f"/r/{key}/")
    assert response.status_code == 302 and response["Location"] == f"/wechat/oauth/start/{key}"
    assert phone.post(f"/r/{key}/consent", {}).status_code == 403


def test_android_opens_the_callback_twice_and_the_code_is_exchanged_once(account, letter, sandbox):
    phone = Phone(in_wechat=True)
    back = authorise(tap(phone, letter))
    first = phone.http.get(back)
    sandbox.control.add_fault("/sns/oauth2/access_token", "error", -1)  # a second exchange would show
    second = phone.http.get(back)
    assert first["Location"] == second["Location"] and first["Location"].startswith("/r/")
    assert OAuthState.objects.count() == 1


@pytest.mark.parametrize("refusal", [40163, 40029])
def test_a_spent_code_starts_the_log_in_once_more(account, letter, sandbox, refusal):
    phone = Phone(in_wechat=True)
    sandbox.control.add_fault("/sns/oauth2/access_token", "error", refusal)
    again = phone.http.get(authorise(tap(phone, letter)))
    assert again["Location"].startswith(sandbox.url)
    page = phone.land(phone.http.get(authorise(again["Location"])))
    assert page.status_code == 200 and Respondent.objects.get().identity_hash


def test_it_never_starts_over_in_a_circle(account, letter, sandbox):
    phone = Phone(in_wechat=True)
    sandbox.control.add_fault("/sns/oauth2/access_token", "error", 40163, times=None)
    again = phone.http.get(authorise(tap(phone, letter)))
    last = phone.http.get(authorise(again["Location"]))
    assert last.status_code == 502 and "浏览器" in last.content.decode()


def test_wechat_out_of_reach_is_said_in_words(account, letter, sandbox):
    sandbox.control.add_fault("/sns/oauth2/access_token", "error", -1)
    phone = Phone(in_wechat=True)
    answer = phone.http.get(authorise(tap(phone, letter)))
    assert answer.status_code == 502 and "稍后再扫一次" in answer.content.decode()


def test_a_snapshot_page_is_told_how_to_go_on_and_leaves_no_identity(account, letter, sandbox):
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["testserver"], snapshot="all")
    phone = Phone(in_wechat=True)
    answer = phone.http.get(authorise(tap(phone, letter)))
    assert answer.status_code == 403 and "使用完整服务" in answer.content.decode()
    assert not WeChatUser.objects.exists() and Respondent.objects.get().identity_hash == ""


def test_refusing_the_authorisation_shows_the_other_way(account, letter):
    phone = Phone(in_wechat=True)
    state = tap(phone, letter).split("state=")[1].split("#")[0]
    answer = phone.http.get(f"/wechat/oauth/callback?state={state}")
    assert answer.status_code == 403 and "12 位码" in answer.content.decode()


def test_a_state_works_on_the_phone_that_began_it_only(account, letter):
    mine, his = Phone(in_wechat=True), Phone(in_wechat=True)
    back = authorise(tap(mine, letter))
    assert his.http.get(back).status_code == 403
    assert not WeChatUser.objects.exists()
    tap(his, letter)
    assert his.http.get(back).status_code == 403, "nor with a log-in of its own under way"
    assert mine.land(mine.http.get(back)).status_code == 200


@pytest.mark.parametrize("query", ["", "?code=x", "?state=", "?state=unknown&code=x"])
def test_a_callback_out_of_nowhere_is_refused(account, letter, query):
    assert Phone(in_wechat=True).http.get(f"/wechat/oauth/callback{query}").status_code == 403


def test_an_old_state_is_no_longer_good(account, letter):
    phone = Phone(in_wechat=True)
    back = authorise(tap(phone, letter))
    OAuthState.objects.update(created_at=now() - timedelta(minutes=11))
    assert phone.http.get(back).status_code == 403


def test_the_state_is_letters_and_digits_and_only_its_hash_is_kept(account, letter):
    address = tap(Phone(in_wechat=True), letter)
    state = address.split("state=")[1].split("#")[0]
    assert state.isalnum() and len(state) == 32 and address.endswith("#wechat_redirect")
    assert "scope=snsapi_base" in address
    assert state not in str(vars(OAuthState.objects.get()))


def test_one_openid_on_two_households_is_let_in_and_flagged(account, open_round):
    first, second = open_round.cases.order_by("number")[:2]
    for case in (first, second):
        phone = Phone(in_wechat=True)
        assert log_in(phone, write_letter(case)[0]).status_code == 200
    flags = Flag.objects.filter(kind="one_openid_many_cases")
    assert {flag.case_id for flag in flags} == {first.pk, second.pk}
    assert flags[0].evidence == {"households": 2}


def test_two_people_of_one_household_are_not_flagged(account, letter):
    for resident in ("wang", "zhao"):
        log_in(Phone(in_wechat=True), letter, resident)
    assert not Flag.objects.exists() and WeChatUser.objects.count() == 2


def test_the_same_openid_sees_its_answers_on_a_new_phone_and_nobody_else_does(account, letter):
    phone = Phone(in_wechat=True)
    log_in(phone, letter)
    phone.consent()
    phone.choose()
    phone.submit()
    new_phone, neighbour = Phone(in_wechat=True), Phone(in_wechat=True)
    page = log_in(new_phone, letter).content.decode()
    assert "楼下的路灯坏了" in page
    page = log_in(neighbour, letter, "zhao").content.decode()
    assert "您家已经答过了" in page and "路灯" not in page


def test_scanning_again_in_wechat_leaves_no_open_ends(account, letter):
    phone = Phone(in_wechat=True)
    log_in(phone, letter)
    first = phone.home
    log_in(phone, letter)
    assert phone.home == first and Respondent.objects.count() == 1
