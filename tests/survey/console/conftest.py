"""A round with everything in it, for the team's pages."""

import pytest

from survey.accounts.models import User
from tests import factories


@pytest.fixture
def team(client, lead):
    """A client logged in as the study lead."""
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def log_in(client):
    """Log in as anybody, by name, with a confirmed second factor where one is needed."""

    def go(name):
        client.force_login(
            User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend"
        )
        return client

    return go


@pytest.fixture
def drawn_round(regions):
    """天桥区, drawn: 4 PSUs of 3 households each."""
    return factories.make_drawn_round(regions["370105000000"])
