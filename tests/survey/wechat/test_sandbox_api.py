"""The sandbox's HTTP against the facts of the protocol file (sections 4, 5, 6, 7, 9); tags in brackets."""

import re
import threading

import pytest
import requests

from tests.survey.wechat.conftest import APP_ID, SECRET

TOKEN = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
ACCOUNT = {"app_id": "wx1", "secret": "s", "name": "n"}
EXCHANGE = {"grant_type": "authorization_code", "appid": APP_ID, "secret": SECRET}
WECHAT_BROWSER = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0", "X-Sandbox-Resident": "wang"}


@pytest.fixture
def account(sandbox):
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["survey.example"])
    return sandbox


def get(sandbox, path, **params):
    return requests.get(sandbox.url + path, params=params, timeout=10).json()


def stable(sandbox, **fields):
    return requests.post(sandbox.url + "/cgi-bin/stable_token", json={**TOKEN, **fields}, timeout=10).json()


def authorize(sandbox, *, headers=WECHAT_BROWSER, domain="survey.example", scope="snsapi_base", state="Abc1"):
    address = (
        f"{sandbox.url}/connect/oauth2/authorize?appid={APP_ID}&redirect_uri=https%3A%2F%2F{domain}%2Fback"
        f"&response_type=code&scope={scope}&state={state}"
    )
    return requests.get(address, headers=headers, allow_redirects=False, timeout=10)


def code_of(answer):
    return re.search(r"code=(\w+)", answer.headers["Location"]).group(1)


def exchange(sandbox, code):
    return get(sandbox, "/sns/oauth2/access_token", **EXCHANGE, code=code)


# --- section 4: tokens ------------------------------------------------------------------------------
def test_a_stable_token_stays_the_same_until_its_last_five_minutes(account, clock):
    """[D] repeated normal calls return the same token; renewed in the last 5 minutes, both valid."""
    first = stable(account)
    assert (set(first), first["expires_in"]) == ({"access_token", "expires_in"}, 7200)
    clock.advance(6899)
    assert stable(account) == {"access_token": first["access_token"], "expires_in": 301}
    clock.advance(2)
    second = stable(account)
    assert second["access_token"] != first["access_token"] and second["expires_in"] == 7200
    for token in (first["access_token"], second["access_token"]):
        assert get(account, "/cgi-bin/ticket/getticket", type="jsapi", access_token=token)["errcode"] == 0
    clock.advance(300)
    old = get(account, "/cgi-bin/ticket/getticket", type="jsapi", access_token=first["access_token"])
    assert old["errcode"] == 42001


def test_force_refresh_kills_the_old_token_not_within_30_seconds_and_20_times_a_day(account, clock):
    """[D] at most 20 a day, at least 30 s apart, else nothing is refreshed; the code after 20 is [M]."""
    first = stable(account)["access_token"]
    second = stable(account, force_refresh=True)["access_token"]
    assert second != first
    assert get(account, "/cgi-bin/ticket/getticket", type="jsapi", access_token=first)["errcode"] == 40001
    clock.advance(29)
    assert stable(account, force_refresh=True)["access_token"] == second
    seen = {second}
    for _ in range(19):
        clock.advance(31)
        seen.add(stable(account, force_refresh=True)["access_token"])
    assert len(seen) == 20
    clock.advance(31)
    assert stable(account, force_refresh=True)["errcode"] == 45009


def test_a_plain_token_ends_the_one_before_after_five_minutes_and_leaves_the_stable_one(account, clock):
    """[3P] a new call ends the old token, which lives about 5 minutes; [D] isolated from stable_token."""
    steady = stable(account)["access_token"]
    first = get(account, "/cgi-bin/token", **TOKEN)["access_token"]
    second = get(account, "/cgi-bin/token", **TOKEN)["access_token"]
    check = {"type": "jsapi"}
    assert get(account, "/cgi-bin/ticket/getticket", **check, access_token=first)["errcode"] == 0
    clock.advance(301)
    assert get(account, "/cgi-bin/ticket/getticket", **check, access_token=first)["errcode"] == 40001
    assert get(account, "/cgi-bin/ticket/getticket", **check, access_token=second)["errcode"] == 0
    assert get(account, "/cgi-bin/ticket/getticket", **check, access_token=steady)["errcode"] == 0


def test_a_plain_token_is_given_2000_times_a_day(account, clock):
    """[3P] 2,000 calls a day; the day is Beijing's [M]."""
    account.store.run("INSERT INTO calls VALUES (?, '/cgi-bin/token', '2026-11-23', 1999)", APP_ID)
    assert "access_token" in get(account, "/cgi-bin/token", **TOKEN)
    assert get(account, "/cgi-bin/token", **TOKEN)["errcode"] == 45009
    clock.advance(12 * 3600)
    assert "access_token" in get(account, "/cgi-bin/token", **TOKEN)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"appid": "wxffffffffffffffff"}, 40013),  # [D]
        ({"secret": "0" * 32}, 40125),  # [M]
        ({"grant_type": "x"}, 40002),  # [R]
        ({"appid": None}, 41002),  # [D]
        ({"secret": None}, 41004),  # [R]
    ],
)
def test_wrong_credentials_have_their_code_and_a_rid(change, code, account):
    """Every refusal is HTTP 200 with errcode; errmsg ends with a rid (section 14)."""
    fields = {name: value for name, value in {**TOKEN, **change}.items() if value is not None}
    plain = requests.get(account.url + "/cgi-bin/token", params=fields, timeout=10)
    steady = requests.post(account.url + "/cgi-bin/stable_token", json=fields, timeout=10)
    for answer in (plain, steady):
        assert (answer.status_code, answer.json()["errcode"]) == (200, code)
        assert re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", answer.json()["errmsg"])


def test_a_white_list_refuses_other_addresses_and_names_this_one(account):
    """[M] 40164, errmsg holds the address."""
    account.control.save_account(APP_ID, SECRET, "济南民意", ip_white_list=["203.0.113.7"])
    refusal = stable(account)
    assert refusal["errcode"] == 40164 and "127.0.0.1" in refusal["errmsg"]
    account.control.save_account(APP_ID, SECRET, "济南民意", ip_white_list=["127.0.0.1"])
    assert "access_token" in stable(account)


def test_stable_token_takes_json_by_post_only(account):
    """[D] POST JSON only; codes of the general list."""
    url = account.url + "/cgi-bin/stable_token"
    assert requests.get(url, timeout=10).json()["errcode"] == 43002
    assert requests.post(url, timeout=10).json()["errcode"] == 44002
    assert requests.post(url, data=TOKEN, timeout=10).json()["errcode"] == 47001


@pytest.mark.parametrize(("token", "code"), [(None, 41001), ("never-issued", 40001)])
def test_a_call_without_a_good_token_is_refused(token, code, account):
    params = {"access_token": token} if token else {}
    assert get(account, "/cgi-bin/user/info", openid="o", **params)["errcode"] == code


def test_an_unknown_path_is_40066(account):
    """[D] invalid url."""
    assert get(account, "/cgi-bin/no/such")["errcode"] == 40066


# --- section 5: web authorisation -------------------------------------------------------------------
def test_a_code_is_exchanged_once_within_five_minutes(account, clock):
    """Single use, 5 minutes [M, 3P]; the fields are those of the guide [D]."""
    code = code_of(authorize(account))
    clock.advance(299)
    token = exchange(account, code)
    assert set(token) == {"access_token", "expires_in", "refresh_token", "openid", "scope"}
    assert (token["expires_in"], token["scope"]) == (7200, "snsapi_base")
    assert token["openid"] == account.control.openid(APP_ID, "wang")
    assert exchange(account, code)["errcode"] == 40163
    assert exchange(account, "never-issued")["errcode"] == 40029
    assert get(account, "/sns/oauth2/access_token", **EXCHANGE)["errcode"] == 41008
    late = code_of(authorize(account))
    clock.advance(301)
    assert exchange(account, late)["errcode"] == 42003


def test_a_code_sent_twice_at_once_is_good_for_one(account):
    """What Android's double request does [3P]."""
    code, answers = code_of(authorize(account)), []
    threads = [threading.Thread(target=lambda: answers.append(exchange(account, code))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(answer.get("errcode", 0) for answer in answers) == [0] + [40163] * 7


def test_a_code_belongs_to_one_account(account):
    account.control.save_account("wxother", SECRET, "别的号", oauth_domains=["survey.example"])
    code = code_of(authorize(account))
    refused = get(account, "/sns/oauth2/access_token", **{**EXCHANGE, "appid": "wxother"}, code=code)
    assert refused["errcode"] == 40029
    assert "openid" in exchange(account, code)


def test_one_person_has_one_openid_per_account(account):
    account.control.save_account("wxother", SECRET, "别的号")
    assert account.control.openid(APP_ID, "wang") == account.control.openid(APP_ID, "wang")
    assert (
        len({account.control.openid(app, who) for app in (APP_ID, "wxother") for who in ("wang", "zhao")})
        == 4
    )


@pytest.mark.parametrize(
    "domain",
    ["example", "www.survey.example", "survey.example.evil", "survey.example%3A8000", "x%40survey.example"],
)
def test_the_redirect_host_must_match_exactly(domain, account):
    """[D mp1421140842; D oplatform troubleshooting: also no port] 10003."""
    answer = authorize(account, domain=domain)
    assert answer.status_code == 200 and "10003" in answer.text


def test_state_and_code_come_back_behind_what_the_address_already_had(account):
    address = (
        f"{account.url}/connect/oauth2/authorize?appid={APP_ID}"
        "&redirect_uri=https%3A%2F%2Fsurvey.example%2Fback%3Fa%3D1&response_type=code&scope=snsapi_base&state=S1"
    )
    answer = requests.get(address, headers=WECHAT_BROWSER, allow_redirects=False, timeout=10)
    assert re.fullmatch(r"https://survey\.example/back\?a=1&code=\w{32}&state=S1", answer.headers["Location"])


def test_parameters_out_of_order_are_refused(account):
    """[D oplatform troubleshooting] the scope error also means a wrong order."""
    address = (
        f"{account.url}/connect/oauth2/authorize?redirect_uri=https%3A%2F%2Fsurvey.example%2Fback"
        f"&appid={APP_ID}&response_type=code&scope=snsapi_base&state=S1"
    )
    assert "10005" in requests.get(address, headers=WECHAT_BROWSER, timeout=10).text


@pytest.mark.parametrize("state", ["a-b", "a" * 129])
def test_a_state_of_other_characters_is_refused(state, account):
    """[D] a-zA-Z0-9, at most 128 bytes."""
    assert "Location" not in authorize(account, state=state).headers


def test_a_desktop_browser_is_told_to_use_wechat(account):
    answer = authorize(account, headers={"User-Agent": "Mozilla/5.0", "X-Sandbox-Resident": "wang"})
    assert "请在微信客户端打开链接" in answer.text and "Location" not in answer.headers


def test_a_snapshot_page_gives_a_virtual_openid(account):
    """[D community 000c2c34…] virtual ids; field name [M]."""
    account.control.save_account(
        APP_ID, SECRET, "济南民意", oauth_domains=["survey.example"], snapshot="userinfo", open_platform=True
    )
    token = exchange(account, code_of(authorize(account, scope="snsapi_userinfo")))
    assert token["is_snapshotuser"] == 1
    assert token["openid"] != account.control.openid(APP_ID, "wang")
    assert "is_snapshotuser" not in exchange(account, code_of(authorize(account)))


def test_a_unionid_needs_an_open_platform_account_and_a_known_person(account):
    """[3P] only bound accounts; with snsapi_base only of those who follow or authorised [M]."""
    assert "unionid" not in exchange(account, code_of(authorize(account)))
    account.control.save_account(
        APP_ID, SECRET, "济南民意", oauth_domains=["survey.example"], open_platform=True
    )
    assert "unionid" not in exchange(account, code_of(authorize(account)))
    account.control.follow(APP_ID, "wang")
    assert len(exchange(account, code_of(authorize(account)))["unionid"]) == 28


def test_the_web_token_is_checked_refreshed_and_ends(account, clock):
    """[D] web token 7200 s, refresh token 30 days."""
    token = exchange(account, code_of(authorize(account)))
    check = {"access_token": token["access_token"], "openid": token["openid"]}
    assert get(account, "/sns/auth", **check) == {"errcode": 0, "errmsg": "ok"}
    assert get(account, "/sns/auth", **{**check, "openid": "o"})["errcode"] == 40003
    assert get(account, "/sns/userinfo", **check)["errcode"] == 48001
    clock.advance(7200)
    assert get(account, "/sns/auth", **check)["errcode"] == 42001
    renew = {"grant_type": "refresh_token", "appid": APP_ID, "refresh_token": token["refresh_token"]}
    fresh = get(account, "/sns/oauth2/refresh_token", **renew)
    assert fresh["openid"] == token["openid"] and fresh["access_token"] != token["access_token"]
    clock.advance(30 * 86400)
    assert get(account, "/sns/oauth2/refresh_token", **renew)["errcode"] == 42002
    assert get(account, "/sns/oauth2/refresh_token", **{**renew, "refresh_token": "x"})["errcode"] == 40030


# --- sections 6, 7, 9 -------------------------------------------------------------------------------
def test_user_info_tells_of_followers_what_it_still_tells(account):
    """[3P, D] without name, picture, sex and place; of others only subscribe and openid."""
    openid, token = account.control.openid(APP_ID, "wang"), stable(account)["access_token"]
    query = {"access_token": token, "openid": openid, "lang": "zh_CN"}
    assert get(account, "/cgi-bin/user/info", **query) == {"subscribe": 0, "openid": openid}
    account.control.follow(APP_ID, "wang")
    assert set(get(account, "/cgi-bin/user/info", **query)) == {
        "subscribe", "openid", "language", "subscribe_time", "remark", "groupid", "tagid_list",
        "subscribe_scene", "qr_scene", "qr_scene_str",
    }  # fmt: skip
    account.control.follow(APP_ID, "wang", follows=False)
    assert get(account, "/cgi-bin/user/info", **query)["subscribe"] == 0
    assert get(account, "/cgi-bin/user/info", **{**query, "openid": "o"})["errcode"] == 40003


def test_the_jsapi_ticket_lives_as_long_as_it_says(account, clock):
    """[3P] 7200 s; the same while it lives [M]."""
    query = {"type": "jsapi", "access_token": stable(account)["access_token"]}
    first = get(account, "/cgi-bin/ticket/getticket", **query)
    assert (first["errcode"], first["errmsg"], first["expires_in"]) == (0, "ok", 7200)
    clock.advance(7000)
    assert get(account, "/cgi-bin/ticket/getticket", **query)["ticket"] == first["ticket"]
    clock.advance(201)
    query["access_token"] = stable(account)["access_token"]
    assert get(account, "/cgi-bin/ticket/getticket", **query)["ticket"] != first["ticket"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "x" * 65}}}, 40169),
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": ""}}}, 40169),
        ({"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 0}}}, 40129),
        ({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100001}}}, 40129),
        ({"action_name": "QR_SCENE", "action_info": {}}, 40169),
        ({"action_name": "X", "action_info": {"scene": {"scene_id": 1}}}, 40097),
    ],
)
def test_a_scene_has_its_limits(fields, code, account):
    """[3P] scene_str 1–64, scene_id 32 bits and not 0, permanent 1..100000."""
    url = f"{account.url}/cgi-bin/qrcode/create?access_token={stable(account)['access_token']}"
    assert requests.post(url, json=fields, timeout=10).json()["errcode"] == code


def test_a_scene_code_is_made_and_shown(account):
    """[3P] ticket, expire_seconds and url; permanent ones do not expire."""
    url = f"{account.url}/cgi-bin/qrcode/create?access_token={stable(account)['access_token']}"
    scene = {"scene": {"scene_str": "community-1"}}
    made = requests.post(
        url,
        json={"expire_seconds": 604800, "action_name": "QR_STR_SCENE", "action_info": scene},
        timeout=10,
    ).json()
    assert (set(made), made["expire_seconds"]) == ({"ticket", "expire_seconds", "url"}, 604800)
    image = requests.get(account.url + "/cgi-bin/showqrcode", params={"ticket": made["ticket"]}, timeout=10)
    assert image.content.startswith(b"\x89PNG")
    assert requests.get(account.url + "/cgi-bin/showqrcode?ticket=x", timeout=10).status_code == 404
    lasting = requests.post(url, json={"action_name": "QR_LIMIT_STR_SCENE", "action_info": scene}, timeout=10)
    assert set(lasting.json()) == {"ticket", "url"}


# --- the sandbox's own API --------------------------------------------------------------------------
def test_faults_strike_as_often_as_they_say(account):
    account.control.add_fault("/cgi-bin/stable_token", "error", 45009, times=2)
    assert [stable(account).get("errcode") for _ in range(3)] == [45009, 45009, None]
    account.control.add_fault("/cgi-bin/", "error", -1, times=None)
    assert [stable(account).get("errcode") for _ in range(3)] == [-1, -1, -1]
    account.control.clear_faults()
    assert "access_token" in stable(account)


def test_a_late_answer_is_late(account):
    account.control.add_fault("/cgi-bin/stable_token", "delay", 0.5)
    answer = requests.post(account.url + "/cgi-bin/stable_token", json=TOKEN, timeout=10)
    assert answer.elapsed.total_seconds() >= 0.5 and "access_token" in answer.json()


def test_an_answer_lost_on_the_way_was_work_done_all_the_same(account):
    account.control.add_fault("/sns/", "drop_after")
    code = code_of(authorize(account))
    with pytest.raises(requests.ConnectionError):
        exchange(account, code)
    assert exchange(account, code)["errcode"] == 40163


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("accounts", {"app_id": "wx1", "secret": "s", "name": "n", "oauth_domains": ["https://a.cn"]}),
        (
            "accounts",
            {"app_id": "wx1", "secret": "s", "name": "n", "oauth_domains": ["a.cn", "b.cn", "c.cn"]},
        ),
        ("accounts", {"app_id": "wx1", "name": "n"}),
        ("accounts", {"app_id": "wx1", "secret": "s", "name": "n", "snapshot": "always"}),
        ("residents", {"residents": [{"id": "a"}]}),
        ("faults", {"path": "/sns/", "kind": "explode"}),
        ("faults", {"path": "/sns/", "kind": "delay", "value": 100000}),
        ("clock", {"advance": -1}),
    ],
)
def test_a_wrong_arrangement_is_refused_with_a_reason(path, fields, sandbox):
    answer = requests.post(f"{sandbox.url}/sandbox/api/{path}", json=fields, timeout=10)
    assert answer.status_code == 400 and answer.json()["error"]


def test_another_website_cannot_arrange_anything(sandbox):
    answer = requests.post(sandbox.url + "/sandbox/api/clock", data='{"advance": 10}', timeout=10)
    assert answer.status_code == 400


def test_the_clock_moves_forward_for_tests_in_other_processes(account):
    code = code_of(authorize(account))
    account.control.advance(301)
    assert exchange(account, code)["errcode"] == 42003
