"""Shared fixtures: the cast of people and a small district."""

import os

import pytest

os.environ.setdefault("MINYI_ENV", "test")

from tests import factories


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
def _clear_cache(request):
    """Throttle counts live in the cache; they must not leak from one test into another."""
    yield
    if "django_db_setup" in request.fixturenames or request.node.get_closest_marker("django_db"):
        from django.core.cache import cache

        if request.node.get_closest_marker("django_db"):
            try:
                cache.clear()
            except Exception:
                return
