"""Interviewers of the demo work at doors over HTTP, through the addresses of their own pages."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests

from survey.demo.residents import TIMEOUT_S, NotAnswered


@dataclass(frozen=True)
class Adult:
    """One line of a household's list."""

    index: int
    sex: str
    age: int


class Interviewer:
    """One logged-in interviewer with a session of his own."""

    def __init__(self, site: str, username: str, password: str) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        address = f"{site}/accounts/login/"
        self.session.get(address, timeout=TIMEOUT_S)
        form = {"username": username, "password": password, **self._token("csrfmiddlewaretoken")}
        answer = self.session.post(address, data=form, timeout=TIMEOUT_S)
        if "sessionid" not in self.session.cookies:
            raise NotAnswered(f"{username} cannot log in: HTTP {answer.status_code}")

    def _token(self, name: str) -> dict[str, str]:
        return {name: self.session.cookies.get("csrftoken", "")}

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.session.post(
            self.site + path, json=dict(body), headers=self._token("X-CSRFToken"), timeout=TIMEOUT_S
        )
        if answer.status_code not in (200, 201):
            raise NotAnswered(f"{path}: HTTP {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def visit(self, case: str, result: str, at: datetime) -> None:
        """Record an attempt that ended without an interview."""
        body: dict[str, Any] = {"result": result, "present": [], "note": "", "at": at.isoformat()}
        self._post(f"/field/cases/{case}/visit/", body)

    def list_household(self, case: str, adults: Sequence[Adult]) -> int:
        """Lock the household's list; returns the index of the adult whom the case's seed chose."""
        members = [{"label": f"家人 {a.index}", "sex": a.sex, "age": a.age} for a in adults]
        found = self._post(f"/field/cases/{case}/roster/", {"members": members})
        label = found["members"][found["chosen_index"] - 1]["label"]
        return int(label.removeprefix("家人 "))

    def interview(self, case: str, answers: Mapping[str, Any], seconds: int, done: datetime) -> str:
        """Read the consent, ask, and hand in. Returns the response's id."""
        ready = self._post(f"/field/cases/{case}/consent/", {"present": [], "language": "zh-hans"})
        body = {
            "id": str(uuid.uuid4()),
            "document": ready["document_hash"],
            "language": "zh-hans",
            "answers": dict(answers),
            "started_at": (done - timedelta(seconds=seconds)).isoformat(),
            "completed_at": done.isoformat(),
            "paradata": {},
        }
        return self._post(ready["submit_url"], body)["id"]
