"""A window that looks at every page it comes to."""

import os
import random
import re
import threading
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
GRAVE = ("serious", "critical")


# Every language and every width. All nine together run in `make proof` (tests/proof/journeys.py); `make test`
# walks three that meet each language and each width once.
LOCALES = {"zh-hans": "zh-CN", "zh-hant": "zh-TW", "en": "en-GB"}
WIDTHS = (360, 390, 1280)
ALL = [(width, language) for language in LOCALES for width in WIDTHS]
SOME = [(390, "zh-hans"), (360, "zh-hant"), (1280, "en")]
JOURNEYS = pytest.mark.parametrize(
    ("width", "language"), ALL if os.environ.get("MINYI_JOURNEYS") == "all" else SOME
)


class Walker:
    """One browser window that looks at each page it comes to.

    `look` keeps a picture under build/screens/<journey>/, lets axe search for grave faults and remembers what
    the browser complained about.
    """

    def __init__(
        self, browser, site: str, journey: str, *, width: int = 390, language: str = "zh-hans", **options
    ) -> None:
        height = 844 if width < 800 else 900
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale=LOCALES[language], base_url=site, **options
        )
        self.language = language
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

    def say(self, text: str, whole: bool = False) -> str:
        """What the program says for a Chinese text in the window's language; without `whole` only as far as
        the first value that is filled in."""
        with translation.override(self.language):
            words = gettext(text)
        return words if whole else re.split(r"[{%]", words)[0]

    def lose_requests(self, seed: int, share: float = 1 / 5) -> None:
        """From now on a share of what scripts ask for never arrives; nothing that a person opens herself."""
        dice = random.Random(seed)

        def maybe(route) -> None:
            by_script = route.request.resource_type in ("fetch", "xhr")
            route.abort("connectionfailed") if by_script and dice.random() < share else route.continue_()

        self.context.route("**/*", maybe)

    def forgive_lost_requests(self) -> None:
        """The browser notes each request that did not arrive; that is no fault of the page."""
        self.complaints = [line for line in self.complaints if "ERR_CONNECTION_FAILED" not in line]

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
