"""The sandbox in Tencent's place, its clock, its phones in real windows, and paper seen by a decoder."""

import copy
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import zxingcpp
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Frame, expect

from survey.audit.services import SYSTEM
from survey.studies.models import Round
from survey.wechat import inbox, mass, sending
from survey.wechat.models import WeChatAccount
from survey.wechat.sandbox.app import Sandbox
from survey.wechat.sandbox.phone import Phone, SandboxControl
from survey.wechat.sandbox.pushing import Pusher
from survey.wechat.sandbox.server import SandboxServer
from survey.wechat.sandbox.store import Row, Store
from survey.wechat.sandbox.webview import WebViews
from survey.wechat.setup import begin_account, callback_address, server_secrets
from tests.browser.test_resident_journey import MAX_SCREENS, answer_screen
from tests.survey.wechat.test_sandbox_channel import wait_for

PEOPLE = {"wang": "王秀英", "zhao": "赵强", "sun": "孙丽", "qian": "钱大伟", "li": "李静", "zhou": "周建国"}
REMINDER = "您家的问卷还没有交"
PRINTED_DPI = 200


class HeldPusher(Pusher):
    """Delivers while the gate is open. The tests' database is one connection for all threads: the site must
    not take a push while the test's own thread works in it."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(store, **options)

    def _take(self) -> Row | None:
        return super()._take() if self.gate.is_set() else None


@dataclass
class Tencent:
    """The sandbox, its own API, and what it has stored."""

    url: str
    control: SandboxControl
    store: Store
    pusher: HeldPusher

    @contextmanager
    def holding_pushes(self) -> Iterator[None]:
        """Pushes wait; those under way are waited for."""
        self.pusher.gate.clear()
        wait_for(lambda: not self.store.one("SELECT 1 FROM outbox WHERE state = 'sending'"), 20)
        try:
            yield
        finally:
            self.pusher.gate.set()
            self.store.outbox_filled.set()


@contextmanager
def in_tencents_place(settings, site: str) -> Iterator[Tencent]:
    """An empty sandbox: no account, six people; the site's settings as an installation would name it."""
    store = Store(":memory:")
    views = WebViews(store, "127.0.0.1", range(0))
    server = SandboxServer("127.0.0.1", 0, Sandbox(store, views))
    server.start_in_background()
    pusher = HeldPusher(store, threads=2, try_seconds=5)
    control = SandboxControl(f"http://127.0.0.1:{server.port}")
    control.add_residents(PEOPLE)
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = control.url
    settings.WECHAT_JS_URL = "/sandbox/static/jweixin.js"
    settings.PUBLIC_URL = site
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"].append(control.url)
    settings.CONTENT_SECURITY_POLICY = policy
    yield Tencent(control.url, control, store, pusher)
    pusher.close()
    server.shutdown()
    server.server_close()
    views.close()
    store.close()


class Clock:
    """The time of the site and of the sandbox. It runs; tests move it on, never back."""

    def __init__(self, tencent: Tencent, monkeypatch) -> None:
        self._real, self._control, self._ahead = timezone.now, tencent.control, timedelta()
        monkeypatch.setattr(timezone, "now", self.now)

    def now(self) -> datetime:
        return self._real() + self._ahead

    def pass_by(self, **delta: float) -> None:
        """Let so much time pass for everybody."""
        step = timedelta(**delta)
        self._ahead += step
        self._control.advance(step.total_seconds())

    def pass_to(self, hour: time) -> None:
        """Go on to this hour of the day."""
        local = timezone.localtime(self.now())
        goal = local.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
        self.pass_by(seconds=((goal - local) % timedelta(days=1)).total_seconds())


def all_settled(tencent: Tencent, app_id: str) -> None:
    """Wait until the sandbox has delivered, or given up, every push."""
    wait_for(
        lambda: all(p["state"] not in ("waiting", "sending") for p in tencent.control.pushes(app_id)), 40
    )


def work_off(tencent: Tencent, app_id: str) -> None:
    """What the workers would do now: received pushes, then messages that are due, then what they led to."""
    for _round in range(2):
        all_settled(tencent, app_id)
        with tencent.holding_pushes():
            while inbox.handle_pending():
                pass
            while sending.send_due() + mass.send_mass_due() > 0:
                pass


def sent_to(tencent: Tencent, app_id: str, name: str) -> list[dict[str, Any]]:
    """What the account sent of its own accord; its answers in the chat do not count."""
    lines = [line for line in tencent.control.chat(app_id, name) if line["from_account"]]
    return [
        line for line in lines if line["kind"] == "template" or REMINDER in line["content"].get("Content", "")
    ]


def account_at_work(tencent: Tencent, round_: Round, site: str) -> str:
    """The channel as the set-up page leaves it, made in one go; its AppID."""
    app_id, secret = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
    host = urlsplit(site).netloc
    tencent.control.save_account(app_id, secret, "济南民意", oauth_domains=[host])
    account: WeChatAccount = begin_account(
        name="济南民意", app_id=app_id, app_secret=secret, studies=[round_.study], acting_user=SYSTEM
    )
    token, key = server_secrets(account, acting_user=SYSTEM)
    tencent.control.set_server(app_id, callback_address(account), token, key, js_domains=[host])
    return app_id


# --- paper --------------------------------------------------------------------------------------------
def photograph(pdf: Path, folder: Path) -> list[Path]:
    """The pages of a PDF as pictures, as a scanner would take them."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("sheet-*.png"):
        old.unlink()
    command = ["pdftoppm", "-r", str(PRINTED_DPI), "-png", str(pdf), str(folder / "sheet")]
    subprocess.run(command, check=True, timeout=60)
    return sorted(folder.glob("sheet-*.png"))


def codes_in(picture: Path) -> list[str]:
    """Every QR code that a decoder finds in a picture, from the top to the bottom, from left to right."""
    with Image.open(picture) as image:
        found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    places = sorted((code.position.top_left.y // 50, code.position.top_left.x, code.text) for code in found)
    return [text for _y, _x, text in places]


# --- phones -------------------------------------------------------------------------------------------
class PhoneInHand:
    """A resident with the sandbox's phone page open in a real window: chat, scan, web view."""

    def __init__(self, walker: Any, tencent: Tencent, name: str) -> None:
        self.walker, self.page, self.url = walker, walker.page, tencent.url
        self._n_looks = 0
        self.page.goto(tencent.url)
        self.page.get_by_role("button", name=PEOPLE[name], exact=True).click()
        expect(self.page.get_by_label(f"{PEOPLE[name]}的手机")).to_be_visible()

    def look(self, name: str) -> None:
        """A picture of what she sees now; numbered, since she comes to some pages twice."""
        self._n_looks += 1
        self.walker.look(f"{self._n_looks:02d}-{name}", check=False)

    def follow(self) -> None:
        self.page.goto(self.url)
        self.page.get_by_role("button", name="关注", exact=True).click()
        expect(self.page.get_by_label("聊天记录")).to_be_visible()

    def say(self, text: str) -> None:
        self.chat()
        self.page.get_by_label("发消息").fill(text)
        self.page.get_by_role("button", name="发送").click()
        expect(self.page.get_by_label("聊天记录").get_by_text(text)).to_be_visible()

    def chat(self) -> None:
        self.page.goto(self.url)
        self.page.get_by_role("link", name="聊天").click()

    def scan(self, address: str) -> None:
        self.page.goto(self.url)
        self.page.get_by_label("信上的链接或 12 位码").fill(address)
        self.page.get_by_role("button", name="打开", exact=True).click()

    @property
    def view(self) -> Frame:
        """The web view's page."""
        frame = self.page.locator("iframe.view").element_handle().content_frame()
        assert frame is not None
        return frame

    def open_letter(self, address: str) -> None:
        """From the printed code to the welcome, through WeChat's log-in."""
        self.scan(address)
        view = self.view
        expect(view.get_by_role("button", name="打开看看")).to_be_visible()
        self.look("letter")
        view.get_by_role("button", name="打开看看").click()
        expect(view.get_by_role("button", name="我愿意，开始答题")).to_be_visible()
        assert "code=" not in view.url and "state=" not in view.url
        self.look("welcome")

    def answer(self, adults: int = 2) -> None:
        """Agree, say who answers, tap through the questionnaire, to the thanks."""
        view = self.view
        view.get_by_role("button", name="我愿意，开始答题").click()
        view.locator(f"input[name=n][value='{adults}']").check()
        self.look("adults")
        view.get_by_role("button", name="下一步").click()
        view.get_by_label("是我自己").check()
        self.look("birthday")
        view.get_by_role("button", name="下一步").click()
        for _screen in range(MAX_SCREENS):
            view.locator("#mf-title").wait_for()
            _tap(view)
            self.look("question")
            title = view.locator("#mf-title").inner_text()
            view.locator(".mf-next").click()
            view.wait_for_function(
                "before => !document.querySelector('#mf-title') "
                "|| document.querySelector('#mf-title').innerText !== before",
                arg=title,
            )
            if view.url.endswith("/thanks"):
                break
        expect(view.get_by_text("收到了，谢谢您")).to_be_visible()
        self.look("thanks")


def _tap(view: Frame) -> None:
    """Answer what is on the screen: write where there is something to write, otherwise `answer_screen`."""
    fields = view.locator(".mf-main input:not([type=radio]):not([type=checkbox]), .mf-main textarea")
    if not fields.count():
        answer_screen(view)
    elif "年龄" in view.locator("#mf-title").inner_text():
        fields.first.fill("43")
    else:
        fields.first.fill("楼下的路灯坏了")


class Reader:
    """A resident without a window: the same phone over HTTP, as far as the consent. For days with many."""

    def __init__(self, site: str, tencent: Tencent, name: str) -> None:
        self._phone, self._site = Phone(tencent.url, name), site

    def scan(self, address: str) -> "Reader":
        assert self._phone.open(address).status_code == 200
        welcome = self._phone.post(address, data={"lang": "zh-hans"})
        assert welcome.status_code == 200 and "form_token" in welcome.text, welcome.text[:300]
        self._home = self._site + re.match(r"(/r/[0-9a-f-]{36}/)", urlsplit(welcome.url).path)[1]
        self._token = re.search(r'name="form_token" value="([0-9a-f]+)"', welcome.text)[1]
        return self

    def agree(self) -> None:
        answer = self._phone.post(self._home + "consent", data={"form_token": self._token})
        assert answer.status_code == 200, answer.text[:300]
