"""Headless Chromium for the journeys, or a plain word about what is missing."""

import os
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, sync_playwright

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
# The machine's own browser serves as well as Playwright's download.
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GRAVE = ("serious", "critical")


@pytest.fixture(scope="session")
def chromium():
    """A running browser; skips where there is none."""
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        path = next((found for name in SYSTEM_BROWSERS if (found := shutil.which(name))), None)
        if path is None and not own.exists():
            pytest.skip("no Chromium: apt install chromium, or `playwright install chromium`")
        # Playwright's loop runs in this thread, where Django would refuse every query of the test's own.
        before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as reason:
            pytest.skip(f"Chromium does not start here: {reason.message.splitlines()[0]}")
        yield browser
        browser.close()
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


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
