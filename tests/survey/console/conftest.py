"""A round with everything in it, for the team's pages."""

import pytest

from survey.accounts.models import User
from survey.sampling.services import import_households
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


@pytest.fixture
def round_(regions, tmp_path, lead):
    """A draft round of 天桥区 whose frame is ready: 6 communities of 30 households."""
    found = factories.make_round(factories.make_study(regions["370105000000"]))
    lines = ["社区代码,地址"]
    for code, region in regions.items():
        if region.level == "community" and code.startswith("370105"):
            lines += [f"{code},{region.name} {n} 号" for n in range(1, 31)]
    path = tmp_path / "frame.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    import_households(path=path, name="台账", region=regions["370105000000"], acting_user=lead)
    return found
