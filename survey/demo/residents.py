"""Residents of the model city answer over HTTP, as a phone in WeChat or any browser does."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from survey.wechat.sandbox.phone import Phone

TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
TIMEOUT_S = 60


class NotAnswered(Exception):
    """The site did not do what a resident expects; says at which step and what came back."""


@dataclass(frozen=True)
class Visit:
    """One letter in one resident's hand.

    Attributes
    ----------
    letter : path of the letter's address, "/s/…".
    n_adults : adults of the household.
    answers : what she answers, by item.
    seconds : how long she takes.
    """

    letter: str
    n_adults: int
    answers: Mapping[str, Any]
    seconds: int
    paradata: Mapping[str, Any] = field(default_factory=dict)


class BrowserPhone:
    """A phone that opens the letter outside WeChat."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"User-Agent": "Mozilla/5.0 (Linux; Android 9) Chrome/78 Mobile"})

    def get(self, url: str, **options: Any) -> requests.Response:
        """GET with redirects."""
        return self.session.get(url, timeout=TIMEOUT_S, **options)

    def post(self, url: str, **options: Any) -> requests.Response:
        """POST with redirects."""
        return self.session.post(url, timeout=TIMEOUT_S, **options)


def answer_letter(
    phone: Phone | BrowserPhone, site: str, visit: Visit, document_hash: str, clock: Callable[[], datetime]
) -> str:
    """Open the letter, agree, say who answers, and hand in the answers. Returns the response's id."""
    own = {"Origin": site}
    page = _expect(phone.post(site + visit.letter, headers=own), "letter")
    home = page.url.rstrip("/")
    if not urlsplit(home).path.startswith("/r/"):
        raise NotAnswered(f"the letter led to {urlsplit(home).path}")
    token = _token(page.text)
    _expect(phone.post(f"{home}/consent", data={"form_token": token}, headers=own), "consent")
    chosen = {"form_token": token, "n": str(visit.n_adults), "step": "who", "who": "me"}
    _expect(phone.post(f"{home}/who", data=chosen, headers=own), "who")
    done = clock()
    body = {
        "id": str(uuid.uuid4()),
        "document": document_hash,
        "language": "zh-hans",
        "answers": dict(visit.answers),
        "started_at": (done - timedelta(seconds=visit.seconds)).isoformat(),
        "completed_at": done.isoformat(),
        "paradata": dict(visit.paradata),
    }
    reply = _expect(phone.post(f"{home}/submit", json=body, headers={**own, "X-CSRFToken": token}), "submit")
    return reply.json()["id"]


def _token(html: str) -> str:
    found = TOKEN.search(html)
    if found is None:
        raise NotAnswered("the page has no form token")
    return found.group(1)


def _expect(answer: requests.Response, step: str) -> requests.Response:
    if answer.status_code not in (200, 201):
        raise NotAnswered(f"{step}: HTTP {answer.status_code}: {answer.text[:300]}")
    return answer
