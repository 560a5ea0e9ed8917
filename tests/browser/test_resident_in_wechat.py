"""The letter opened in WeChat by a real browser: log-in at the sandbox, back at a clean address."""

import copy

import pytest

from survey.audit.services import SYSTEM
from survey.responses.models import Respondent
from survey.wechat.sandbox.app import Sandbox
from survey.wechat.sandbox.handset import COOKIE
from survey.wechat.sandbox.phone import SandboxControl
from survey.wechat.sandbox.server import SandboxServer
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.webview import USER_AGENT, WebViews
from survey.wechat.services import save_account
from tests import factories
from tests.residents import make_open_round, write_letter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
APP_ID, SECRET = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"


@pytest.fixture
def sandbox(live_server, settings):
    """A sandbox in Tencent's place, as the settings of an installation would name it."""
    store = Store(":memory:")
    views = WebViews(store, "127.0.0.1", range(0))
    server = SandboxServer("127.0.0.1", 0, Sandbox(store, views))
    server.start_in_background()
    control = SandboxControl(f"http://127.0.0.1:{server.port}")
    control.add_residents({"wang": "王秀英"})
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = control.url
    settings.PUBLIC_URL = live_server.url
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"].append(control.url)  # as settings.py does with the address it reads
    settings.CONTENT_SECURITY_POLICY = policy
    yield control
    server.shutdown()
    server.server_close()
    views.close()
    store.close()


@pytest.fixture
def letter(transactional_db, sandbox, live_server):
    """The QR secret of a household whose study has an account."""
    round_ = make_open_round(factories.make_regions()["370105000000"])
    save_site(sandbox, live_server)
    save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        studies=[round_.study],
        acting_user=SYSTEM,
    )
    return write_letter(round_.cases.first())[0]


def save_site(sandbox, live_server, **fields):
    domain = live_server.url.removeprefix("http://")
    sandbox.save_account(APP_ID, SECRET, "济南民意", oauth_domains=[domain], **fields)


@pytest.fixture
def phone(walk, sandbox):
    """王秀英's WeChat."""
    walker = walk("wechat-390", user_agent=USER_AGENT)
    walker.context.add_cookies([{"name": COOKIE, "value": "wang", "url": sandbox.url}])
    return walker


def test_the_browser_is_led_through_the_log_in_and_back(phone, letter):
    phone.page.goto(f"/s/{letter}")
    phone.page.get_by_role("button", name="打开看看").click()
    phone.page.get_by_role("button", name="我愿意，开始答题").wait_for()
    assert "code=" not in phone.page.url and "state=" not in phone.page.url
    assert phone.page.evaluate("document.referrer") == ""
    assert Respondent.objects.get().identity_hash
    phone.look("01-welcome")


def test_a_snapshot_page_says_how_to_go_on(phone, letter, sandbox, live_server):
    save_site(sandbox, live_server, snapshot="all")
    phone.page.goto(f"/s/{letter}")
    phone.page.get_by_role("button", name="打开看看").click()
    phone.page.get_by_text("使用完整服务").wait_for()
    phone.look("02-snapshot")


def test_problems_are_told_in_words_on_a_phone(phone, letter):
    phone.page.goto("/s/" + "0" * 26)
    phone.look("03-unknown-code")
    phone.page.goto("/wechat/oauth/callback?state=unknown&code=x")
    phone.look("04-session-lost")
