"""Shared fixtures: the cast of people and a small district."""

import gc
import os
import shutil
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import override_settings
from hypothesis import HealthCheck, settings
from playwright.sync_api import Error, sync_playwright

os.environ.setdefault("MINYI_ENV", "test")

from survey.questionnaires.queries import published_version
from survey.wechat import keywords
from tests import factories

# The same examples every time, and no verdict that depends on how busy the machine is.
settings.register_profile(
    "minyi", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("minyi")

# The machine's own browser serves as well as Playwright's download.
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_finish():
    """What is in memory before the first test stays: no collection needs to walk it again and again."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture
def regions(db):
    """槐荫区 and 天桥区 with three streets and eight communities."""
    return factories.make_regions()


@pytest.fixture
def lead(regions):
    """Li, who leads studies for the whole city."""
    return factories.make_user("li", "study_lead", regions["370100000000"])


@pytest.fixture
def official(regions):
    """Wang, an official of 天桥区, who must never see a case."""
    return factories.make_user("wang", "official", regions["370105000000"])


@pytest.fixture
def interviewer(regions):
    """Zhao, an interviewer in 天桥区."""
    return factories.make_user("zhao", "interviewer", regions["370105000000"])


@pytest.fixture(autouse=True)
def _clear_cache(request, django_db_blocker):
    """Throttle counts and read questionnaires must not leak into the next test, where ids come again."""
    yield
    published_version.cache_clear()
    keywords._held.clear()
    if request.node.get_closest_marker("django_db"):
        with django_db_blocker.unblock():
            cache.clear()


@pytest.fixture(scope="session", autouse=True)
def media_of_tests(tmp_path_factory):
    """Files that tests make, snapshots of runs among them, go with the tests."""
    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")):
        yield
