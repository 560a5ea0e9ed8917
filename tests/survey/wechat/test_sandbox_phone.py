"""The phone: the driver in Python, the web view that a browser sees, and the page around it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from survey.wechat.client import WeChatError
from survey.wechat.sandbox.phone import PhoneError
from survey.wechat.sandbox.webview import WebViews
from tests.survey.wechat.conftest import APP_ID, SECRET

ROOT = Path(__file__).parents[3]


@pytest.fixture
def browser():
    """A desktop browser: no MicroMessenger, its own cookies."""
    with requests.Session() as session:
        session.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156"
        yield session


def become(browser, sandbox, resident_id="wang"):
    return browser.post(sandbox.url + "/phone/become", data={"resident": resident_id}, timeout=10)


def scan(browser, sandbox, text):
    return browser.post(sandbox.url + "/phone/scan", data={"scanned": text}, timeout=10)


def frame_of(answer):
    return re.search(r'<iframe class="view" src="([^"]+)"', answer.text).group(1).replace("&amp;", "&")


# --- the driver -------------------------------------------------------------------------------------
def test_a_scan_ends_on_the_clean_page_behind_authorisation(sandbox, site):
    answer = sandbox.phone().open(site.url + "/s/letter")
    assert answer.text.startswith("page /answer?1 device=d1")
    assert [(method, path) for method, path, *_ in site.seen] == [
        ("GET", "/s/letter"),
        ("GET", "/back"),
        ("GET", "/answer"),
    ]
    assert "MicroMessenger" in site.seen[0][4]["USER_AGENT"]


def test_the_code_that_came_back_names_the_resident(sandbox, site):
    for resident in ("wang", "zhao"):
        site.seen.clear()
        sandbox.phone(resident).open(site.url + "/s/letter")
        code = re.search(r"code=(\w+)&state=Abc123", site.seen[1][2]).group(1)
        assert site.wechat.exchange_code(code).openid == sandbox.control.openid(APP_ID, resident)
        with pytest.raises(WeChatError) as refusal:
            site.wechat.exchange_code(code)
        assert (refusal.value.code, refusal.value.restart) == (40163, True)


def test_a_person_who_refuses_comes_back_without_a_code(sandbox, site):
    site.scope = "snsapi_userinfo"
    assert sandbox.phone(allows=False).open(site.url + "/s/letter").text.startswith("page /answer?0")
    assert site.seen[1][2] == "state=Abc123"
    assert sandbox.phone().open(site.url + "/s/letter").text.startswith("page /answer?1")


def test_two_phones_share_no_cookies(sandbox, site):
    sandbox.phone("wang").open(site.url + "/s/letter")
    assert sandbox.phone("zhao").open(site.url + "/answer").text == "page /answer? "


def test_the_driver_posts_and_follows(sandbox, site):
    phone = sandbox.phone()
    assert phone.post(site.url + "/submit", json={"a": 1}).text.startswith("page /submit")
    assert site.seen[-1][0] == "POST" and site.seen[-1][3] == b'{"a": 1}'
    assert phone.post(site.url + "/s/letter", data={"x": "y"}).text.startswith("page /answer?1")
    assert site.seen[-1][0] == "GET"


def test_an_authorisation_address_without_its_fragment_is_not_opened(sandbox, site):
    with pytest.raises(PhoneError, match="wechat_redirect"):
        sandbox.phone().open(f"{sandbox.url}/connect/oauth2/authorize?appid={APP_ID}")


def test_a_redirect_to_another_host_than_configured_stops_at_wechats_error(sandbox, site):
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["survey.example"])
    assert "10003" in sandbox.phone().open(site.url + "/s/letter").text


def test_a_resident_whom_the_sandbox_does_not_know_is_told_so(sandbox, site):
    answer = sandbox.phone("nobody").open(site.url + "/s/letter")
    assert answer.status_code == 403 and "先选一部手机" in answer.text


# --- the page and its web view ----------------------------------------------------------------------
def test_the_first_page_lets_one_choose_a_phone(browser, sandbox):
    page = browser.get(sandbox.url + "/", timeout=10)
    assert "王秀英" in page.text and "赵强" in page.text
    assert "扫一扫" in become(browser, sandbox).text


def test_every_page_says_what_it_is(browser, sandbox, site):
    texts = [browser.get(sandbox.url + path, timeout=10).text for path in ("/", "/nowhere")]
    texts.append(become(browser, sandbox).text)
    texts.append(sandbox.phone("nobody").open(site.url + "/s/letter").text)
    assert all("模拟微信，仅供开发和演示" in text for text in texts)


def test_pages_have_no_script_no_inline_style_and_a_strict_policy(browser, sandbox):
    page = become(browser, sandbox)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text and "style=" not in page.text
    sheet = browser.get(sandbox.url + "/sandbox/static/sandbox.css", timeout=10)
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert browser.get(sandbox.url + "/sandbox/static/../store.py", timeout=10).status_code == 404


def test_names_are_escaped(browser, sandbox):
    browser.post(sandbox.url + "/phone/new", data={"name": "<b>李</b>"}, timeout=10)
    page = browser.get(sandbox.url + "/", timeout=10)
    assert "&lt;b&gt;李&lt;/b&gt;" in page.text and "<b>李" not in page.text


def test_a_demo_page_can_hand_over_a_letters_link(browser, sandbox, site):
    become(browser, sandbox)
    page = browser.get(sandbox.url + "/", params={"scan": site.url + '/s/letter"'}, timeout=10)
    assert f'value="{site.url}/s/letter&quot;"' in page.text and not site.seen


def test_scanning_a_letter_shows_the_h5_page_in_the_phone(browser, sandbox, site):
    become(browser, sandbox)
    frame = frame_of(scan(browser, sandbox, site.url + "/s/letter"))
    shown = browser.get(frame, timeout=10)
    assert shown.text.startswith("page /answer?1 device=d1")
    assert shown.url == frame.removesuffix("/s/letter") + "/answer?1"
    assert "X-Frame-Options" not in shown.headers
    assert shown.headers["Content-Security-Policy"] == "default-src 'self'"
    assert not [cookie for cookie in browser.cookies if cookie.name == "device"]
    headers = site.seen[0][4]
    assert "MicroMessenger" in headers["USER_AGENT"] and "Chrome/156" not in headers["USER_AGENT"]


def test_a_form_in_the_phone_reaches_the_site_as_its_own(browser, sandbox, site):
    become(browser, sandbox)
    frame = frame_of(scan(browser, sandbox, site.url + "/s/letter"))
    own = re.match(r"http://[^/]+", frame).group(0)
    headers = {"Origin": own, "Referer": own + "/answer", "X-CSRFToken": "t"}
    browser.post(own + "/submit?x=%E6%B0%91", data={"a": "好"}, headers=headers, timeout=10)
    method, path, query, body, seen = site.seen[-1]
    assert (method, path, query, body) == ("POST", "/submit", "x=%E6%B0%91", b"a=%E5%A5%BD")
    assert (seen["ORIGIN"], seen["REFERER"]) == (site.url, site.url + "/answer")
    assert (seen["HOST"], seen["X_CSRFTOKEN"]) == (site.url.removeprefix("http://"), "t")
    assert "minyi_sandbox_resident" not in seen.get("COOKIE", "")


def test_asking_for_name_and_picture_happens_inside_the_phone(browser, sandbox, site):
    site.scope = "snsapi_userinfo"
    become(browser, sandbox)
    asked = browser.get(frame_of(scan(browser, sandbox, site.url + "/s/letter")), timeout=10)
    assert "允许" in asked.text and "王秀英" in asked.text
    links = re.findall(r'href="(/connect/oauth2/confirm[^"]+)"', asked.text)
    own = re.match(r"http://[^/]+", asked.url).group(0)
    assert browser.get(own + links[0].replace("&amp;", "&"), timeout=10).text.startswith("page /answer?1")
    assert browser.get(own + links[1].replace("&amp;", "&"), timeout=10).text.startswith("page /answer?0")


def test_two_residents_have_two_origins_and_two_cookie_jars(browser, sandbox, site):
    frames = []
    for resident in ("wang", "zhao"):
        become(browser, sandbox, resident)
        frames.append(frame_of(scan(browser, sandbox, site.url + "/answer")))
    assert len({re.match(r"http://[^/]+", frame).group(0) for frame in frames}) == 2
    browser.get(frames[0].replace("/answer", "/s/letter"), timeout=10)
    assert browser.get(frames[0], timeout=10).text == "page /answer? device=d1"
    assert browser.get(frames[1], timeout=10).text == "page /answer? "


def test_a_phone_keeps_its_cookies_when_the_sandbox_restarts(browser, sandbox, site):
    become(browser, sandbox)
    browser.get(frame_of(scan(browser, sandbox, site.url + "/s/letter")), timeout=10)
    again = WebViews(sandbox.store, "127.0.0.1", range(0))
    try:
        port, _ = again.switch_on("wang", int(sandbox.url.rsplit(":", 1)[1]))
        assert browser.get(f"http://127.0.0.1:{port}/answer", timeout=10).text == "page /answer? device=d1"
    finally:
        again.close()


@pytest.mark.parametrize("address", ["http://elsewhere.example/", "http://127.0.0.1:1/", "http://[::1/"])
def test_the_phone_is_no_open_proxy(address, browser, sandbox, site):
    become(browser, sandbox)
    assert "<iframe" not in scan(browser, sandbox, address).text


def test_a_site_that_redirects_elsewhere_is_stopped(browser, sandbox, site):
    become(browser, sandbox)
    frame = frame_of(scan(browser, sandbox, site.url + "/away"))
    assert "已停止访问该网页" in browser.get(frame, timeout=10).text


def test_a_typed_code_opens_the_page_where_codes_are_typed(browser, sandbox, site):
    domain = site.url.removeprefix("http://")
    sandbox.control.save_account(
        APP_ID, SECRET, "济南民意", oauth_domains=[domain], home_url=site.url + "/code"
    )
    become(browser, sandbox)
    answer = scan(browser, sandbox, "7K3M-9QXT-2HPA")
    assert frame_of(answer).endswith("/code") and "请在打开的网页里输入" in answer.text


def test_following_and_scanning_a_scene_code_are_real(browser, sandbox, site):
    become(browser, sandbox)
    browser.post(sandbox.url + "/phone/follow", data={"app_id": APP_ID, "act": "on"}, timeout=10)
    openid = sandbox.control.openid(APP_ID, "wang")
    info = site.wechat.request("get", "user/info", params={"openid": openid})
    assert (info["subscribe"], info["subscribe_scene"]) == (1, "ADD_SCENE_SEARCH")
    browser.post(sandbox.url + "/phone/follow", data={"app_id": APP_ID, "act": "off"}, timeout=10)
    assert site.wechat.request("get", "user/info", params={"openid": openid})["subscribe"] == 0
    code = site.wechat.request(
        "post",
        "qrcode/create",
        data={
            "expire_seconds": 60,
            "action_name": "QR_STR_SCENE",
            "action_info": {"scene": {"scene_str": "c1"}},
        },
    )
    assert "已扫带参二维码" in scan(browser, sandbox, code["url"]).text
    info = site.wechat.request("get", "user/info", params={"openid": openid})
    assert (info["subscribe_scene"], info["qr_scene_str"]) == ("ADD_SCENE_QR_CODE", "c1")


def test_closing_the_page_empties_the_phone(browser, sandbox, site):
    become(browser, sandbox)
    scan(browser, sandbox, site.url + "/answer")
    assert "<iframe" not in browser.post(sandbox.url + "/phone/close", timeout=10).text


def test_another_websites_form_moves_nothing(browser, sandbox):
    answer = browser.post(
        sandbox.url + "/phone/become",
        data={"resident": "wang"},
        headers={"Origin": "http://evil.example"},
        timeout=10,
    )
    assert answer.status_code == 403 and not browser.cookies


# --- the program ------------------------------------------------------------------------------------
def start(tmp_path, environment):
    environ = {name: value for name, value in os.environ.items() if name != "MINYI_ENV"}
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "survey.wechat.sandbox",
            "--port",
            "0",
            "--state",
            str(tmp_path / "s.sqlite3"),
        ],
        cwd=ROOT,
        env={**environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("environment", [{}, {"MINYI_ENV": "production"}, {"MINYI_ENV": ""}])
def test_it_refuses_to_start_in_production(tmp_path, environment):
    said, reason = start(tmp_path, environment).communicate(timeout=60)
    assert "不能在生产环境运行" in reason and not said
    assert not (tmp_path / "s.sqlite3").exists()


def test_it_starts_says_where_and_keeps_its_state(tmp_path):
    for expected in ([], [APP_ID]):
        program = start(tmp_path, {"MINYI_ENV": "test"})
        try:
            url = re.search(r"http://[\d.]+:\d+", program.stdout.readline()).group(0)
            accounts = requests.get(url + "/sandbox/api/accounts", timeout=10).json()
            assert [account["app_id"] for account in accounts] == expected
            fields = {"app_id": APP_ID, "secret": SECRET, "name": "济南民意"}
            assert requests.post(url + "/sandbox/api/accounts", json=fields, timeout=10).status_code == 200
        finally:
            program.terminate()
            assert program.wait(timeout=20) == 0
