"""Kill the server in the middle of a submission, start it again, send again: exactly one response."""

import random
import tempfile
import threading
import time
from pathlib import Path

import requests

from tests.real_site import RealSite, WirePhone

TITLE = "A killed server loses no answer and doubles none"
CLAIM = (
    "A server process is killed with SIGKILL at a random moment while a phone hands in its answers; then it "
    "is started again and the phone sends the same body again. Each time the database holds exactly one "
    "response, one completed contact and one audit entry for the household, the same answer comes back, and "
    "the audit chain is whole."
)
ROUNDS = 24
SEED = 20261123
_ONE = (
    ("responses", "SELECT COUNT(*) FROM responses_response WHERE case_opaque_id = ?"),
    (
        "completed contacts",
        "SELECT COUNT(*) FROM contacts_contact c JOIN sampling_case s ON s.id = c.case_id "
        "WHERE s.opaque_id = ? AND c.disposition = '1.1'",
    ),
    ("completed cases", "SELECT COUNT(*) FROM sampling_case WHERE opaque_id = ? AND status = 'completed'"),
    (
        "audit entries",
        "SELECT COUNT(*) FROM audit_auditentry a JOIN responses_response r "
        "ON replace(a.object_id, '-', '') = r.id "
        "WHERE r.case_opaque_id = ? AND a.action = 'responses.response.accepted'",
    ),
)


def one_kill(site: RealSite, qr: str, case_id: str, delay_s: float) -> str:
    """One household; returns when the kill fell. AssertionError when anything is not one."""
    phone = WirePhone(site, qr)
    answers: list[int] = []

    def send() -> None:
        try:
            answers.append(phone.submit().status_code)
        except requests.RequestException:
            answers.append(0)

    sending = threading.Thread(target=send)
    sending.start()
    time.sleep(delay_s)
    site.kill()
    sending.join()
    stored = site.count(_ONE[0][1], case_id)
    moment = "after the answer" if answers == [201] else ("after storing" if stored else "before storing")
    site.start()
    again, third = phone.submit(), phone.submit()
    assert again.status_code == (200 if stored else 201), (again.status_code, moment)
    assert third.status_code == 200 and third.json() == again.json()
    for name, query in _ONE:
        assert site.count(query, case_id) == 1, f"{name} of {case_id} ({moment})"
    return moment


def typical_seconds(site: RealSite, qr: str) -> float:
    """How long an undisturbed submission takes here."""
    phone = WirePhone(site, qr)
    started = time.monotonic()
    assert phone.submit().status_code == 201
    return time.monotonic() - started


def kill_rounds(site: RealSite, rounds: int, seed: int = SEED) -> dict[str, int]:
    """Kill a running site `rounds` times at moments spread over a submission; it runs again afterwards.

    Returns how often the kill fell at which moment. Uses up the first `rounds` letters and the last two.
    """
    random_ = random.Random(seed)
    moments: dict[str, int] = {}
    typical_seconds(site, site.letters[-1][0])  # the first request also loads templates
    longest = 1.3 * typical_seconds(site, site.letters[-2][0])
    for qr, case_id in site.letters[:rounds]:
        moment = one_kill(site, qr, case_id, random_.uniform(0, longest))
        moments[moment] = moments.get(moment, 0) + 1
    site.manage("verify_audit")
    return moments


def run() -> tuple[bool, list[str]]:
    """The proof for docs/proof/."""
    with tempfile.TemporaryDirectory() as folder:
        site = RealSite(Path(folder), letters=ROUNDS + 2)
        site.start()
        try:
            moments = kill_rounds(site, ROUNDS)
        except AssertionError as failure:
            return False, [f"- {failure}"]
        finally:
            site.close()
    lines = [f"- {ROUNDS} kills, seed {SEED}: one response each time."]
    lines += [f"- killed {moment}: {count}" for moment, count in sorted(moments.items())]
    return True, lines
