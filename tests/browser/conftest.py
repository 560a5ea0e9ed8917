"""A window that looks at every page it comes to."""

import threading
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
GRAVE = ("serious", "critical")


class Walker:
    """One browser window that looks at each page it comes to.

    `look` keeps a picture under build/screens/<journey>/, lets axe search for grave faults and remembers what
    the browser complained about.
    """

    def __init__(self, browser, site: str, journey: str, *, width: int = 390, **options) -> None:
        height = 844 if width < 800 else 900
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", base_url=site, **options
        )
        self.page = self.context.new_page()
        self.folder = SCREENS / journey
        self.folder.mkdir(parents=True, exist_ok=True)
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message) -> None:
        expected = "the server responded with a status of 4" in message.text  # refusals on purpose
        if message.type == "error" and not expected:
            self.complaints.append(message.text)

    def look(self, name: str, *, check: bool = True) -> None:
        """A picture of the whole page; with `check`, no grave fault and nothing wider than the window."""
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)
        if not check:
            return
        faults = [
            f"{name}: {violation['id']} {[node['html'][:120] for node in violation['nodes']][:3]}"
            for violation in Axe().run(self.page).response["violations"]
            if violation["impact"] in GRAVE
        ]
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert not faults and wide <= 0, (faults, f"{name}: {wide} px wider than the window")

    def close(self) -> None:
        """Leave, having heard no complaint."""
        self.context.close()
        assert self.complaints == []


@pytest.fixture(scope="session", autouse=True)
def _one_request_at_a_time():
    """SQLite in memory is one connection for all of the live server's threads: two transactions at once would
    share their savepoints. A real site has a connection for each thread."""
    if connection.vendor != "sqlite":
        yield
        return
    turn, answer = threading.RLock(), WSGIHandler.get_response

    def in_turn(self, request):
        with turn:
            return answer(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WSGIHandler, "get_response", in_turn)
        yield


@pytest.fixture
def walk(chromium, live_server):
    """Opens windows on the running site: walk("journey", width=390, color_scheme="dark")."""
    opened = []

    def open_window(journey: str, **options) -> Walker:
        opened.append(Walker(chromium, live_server.url, journey, **options))
        return opened[-1]

    yield open_window
    for walker in opened:
        walker.close()
