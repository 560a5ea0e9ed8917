"""A real server with interviewers and their doors, for phones that talk to it over the wire."""

import sqlite3
from pathlib import Path

import requests

from tests.real_site import RealSite

SEED = """
from knox.models import AuthToken
from survey.audit.services import SYSTEM
from survey.fieldwork.services import assign_cases
from tests import factories
from tests.residents import make_open_round
regions = factories.make_regions()
cases = list(make_open_round(regions["370105000000"], take={take}, households={take}).cases.order_by("pk"))
for place in range({interviewers}):
    user = factories.make_user(f"zhao{{place}}", "interviewer", regions["370105000000"])
    mine = cases[place * {each} : (place + 1) * {each}]
    assign_cases(cases=mine, interviewer=user, acting_user=user)
    print(user.username, AuthToken.objects.create(user=user)[1])
"""

WORK = """
from survey.fieldwork.tasks import settle_items
settle_items()
"""


class FieldSite(RealSite):
    """`interviewers` with `each` cases; `letters` are their (name, token)."""

    def __init__(self, folder: Path, *, interviewers: int, each: int) -> None:
        self.interviewers, self.each = interviewers, each
        super().__init__(folder, interviewers)

    def seeding(self, letters: int) -> str:
        """Interviewers with their cases instead of letters."""
        take = -(-self.interviewers * self.each // 4)  # the round of 天桥区 has four PSUs
        return SEED.format(take=max(take, 3), interviewers=self.interviewers, each=self.each)

    def work(self) -> None:
        """What its worker does with items that their requests had no time for."""
        if self.count("SELECT COUNT(*) FROM fieldwork_syncitem WHERE state = 'waiting'"):
            self.program(WORK)

    def rows(self, query: str, *values: object) -> list[tuple]:
        """Rows out of its database, read from outside."""
        with sqlite3.connect(self.database, timeout=60) as connection:
            return connection.execute(query, values).fetchall()


class WireClient:
    """What `FieldPhone` asks of a client, over a line. A broken line raises `requests.RequestException`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Token {token}"
        self.session.headers["Connection"] = "close"  # each request is a connection that the line may harm

    def get(self, path: str, query: dict | None = None) -> requests.Response:
        """One GET."""
        return self.session.get(self.url + path, params=query, timeout=30)

    def post(self, path: str, data: bytes, *, content_type: str, headers: dict | None = None):
        """One POST."""
        named = {"Content-Type": content_type, **(headers or {})}
        return self.session.post(self.url + path, data=data, headers=named, timeout=30)
