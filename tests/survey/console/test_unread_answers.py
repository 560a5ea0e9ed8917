"""An open answer that nobody has reviewed: every address of the program is asked for it, by every role."""

import pytest
from django.urls import reverse

from survey.accounts.policies import MAY
from tests.survey.console.test_access import ADDRESSES, PUBLIC, ROLES, arguments, logged_in, readable, world
from tests.survey.console.world import OPEN_TEXT

__all__ = ["world"]
pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.mark.parametrize("role", ROLES)
def test_an_answer_that_nobody_has_reviewed_is_on_the_reviewers_page_and_nowhere_else(world, role):
    """No report, file, list or answer of the API holds a word of it."""
    client = logged_in(world.people[role])
    found = {
        name
        for name in ADDRESSES
        if name not in PUBLIC
        and OPEN_TEXT in readable(client.get(reverse(name, kwargs=arguments(name, world))))
    }
    assert found == ({"console:texts"} if role in MAY["texts.review"] else set())
