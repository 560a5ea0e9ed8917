"""Interviews over a line that drops, delays and cuts, to a server that is killed: each arrives once, whole.

MINYI_FIELD_INTERVIEWS and MINYI_FIELD_DAYS make it shorter; what was run is written down with the result.
"""

import json
import os
import random
import tempfile
import threading
import time
from pathlib import Path

import requests
from playwright.sync_api import sync_playwright

from survey.common.crypto import decrypt
from survey.fieldwork.sync import sealing
from survey.fieldwork.sync.keys import PURPOSE as KEY_PURPOSE
from survey.responses.services import OPEN_TEXT_PURPOSE
from tests.bad_line import BadLine
from tests.field_site import FieldSite, WireClient
from tests.phones import FieldPhone
from tests.proof.field_days import walk_a_day
from tests.residents import ANSWERS

TITLE = "A bad line, a killed phone and a killed server lose no interview and double none"
CLAIM = (
    "A scripted phone sends its interviews through a proxy that drops, delays and truncates connections both "
    "ways, doubles and shuffles batches, while the server is killed with SIGKILL again and again. Then whole "
    "days of ten doors are walked in the app itself, in a browser without network that is killed with "
    "SIGKILL at random moments and started again, and go home over the same line. Every finished interview "
    "is there exactly once; what the server opened is byte for byte what the phone sealed, and what it holds "
    "sealed is what lay in the phone's outbox."
)
INTERVIEWS = int(os.environ.get("MINYI_FIELD_INTERVIEWS", "10000"))
DAYS = int(os.environ.get("MINYI_FIELD_DAYS", "50"))
PER_PHONE, DOORS = 200, 10  # ten days without a signal come home at once
HARM, SEED = 0.3, 20261124
BATCHES = (1, 40)


class Killer(threading.Thread):
    """Kills a site at random moments and starts it again, until told to stop."""

    def __init__(self, site: FieldSite, seed: int) -> None:
        super().__init__(daemon=True)
        self.site, self.random, self.stopped, self.kills = site, random.Random(seed), threading.Event(), 0

    def run(self) -> None:
        """Between kills the server lives for 4 to 12 seconds."""
        while not self.stopped.wait(self.random.uniform(4, 12)):
            self.site.kill()
            self.kills += 1
            self.site.start()


def answers_of(place: int) -> dict:
    """Answers that tell interviews apart."""
    return {**ANSWERS, "age": 18 + place % 80, "remark": f"第 {place} 份：楼下的路灯坏了"}


def try_again(deed):
    """What the app does with a broken line: later, the same again."""
    while True:
        try:
            return deed()
        except (requests.RequestException, json.JSONDecodeError, KeyError):
            time.sleep(0.05)
        except AssertionError:  # a 5xx or a cut answer; refusals would be seen in the end
            time.sleep(0.2)


def send_all(phone: FieldPhone, sealed: list[dict], chance: random.Random) -> int:
    """Push until the server has said of each item that it has it; returns how many pushes that took."""
    waiting = {item["id"]: item for item in sealed}
    pushes = 0
    while waiting:
        batch = list(waiting.values())
        chance.shuffle(batch)
        batch = batch[: chance.randint(*BATCHES)]
        results = try_again(lambda batch=batch: phone.push(*batch))
        pushes += 1
        if chance.random() < 0.1:
            continue  # the phone lost its battery before it noted the answer
        for result in results:
            if result["state"] != "not_stored":
                waiting.pop(result["id"], None)
    return pushes


def one_phone(site: FieldSite, line: BadLine, place: int, texts: dict[str, bytes]) -> None:
    """One interviewer's long absence: pulls, works, seals, comes home. `texts` gets what was sealed."""
    _name, token = site.letters[place]
    phone = FieldPhone(WireClient(line.url, token))
    try_again(phone.register)
    try_again(phone.pull)
    chance = random.Random(f"{SEED}-{place}")
    sealed = []
    for number, case_id in enumerate(phone.cases):
        body = phone.interview_body(case_id, answers=answers_of(place * PER_PHONE + number))
        text = phone.text("interview", case_id, body)
        item = phone.sealed(text)
        texts[item["id"]] = json.dumps(text, ensure_ascii=False).encode()
        sealed.append(item)
    send_all(phone, sealed, chance)
    try_again(phone.pull)


def check(site: FieldSite, texts: dict[str, bytes]) -> None:
    """Exactly once, byte for byte; AssertionError names what is not."""
    key_id, cipher = site.rows("SELECT id, private_cipher FROM fieldwork_sealkey")[0]
    private, key = int(decrypt(cipher, KEY_PURPOSE), 16), _uuid(key_id)
    rows = site.rows("SELECT id, payload, state FROM fieldwork_syncitem")
    stored = {_uuid(each): (payload, state) for each, payload, state in rows}
    assert stored.keys() == texts.keys(), f"{len(stored)} items of {len(texts)}"
    for item_id, (payload, state) in stored.items():
        assert state == "accepted", (item_id, state)
        opened = sealing.open_seal(json.loads(payload), private_key=private, key_id=key, item_id=item_id)
        assert opened == texts[item_id], item_id
    rows = site.rows("SELECT client_id, answers, open_text_cipher FROM responses_response")
    assert len(rows) == len(texts), f"{len(rows)} responses of {len(texts)}"
    for client_id, answers, personal in rows:
        sent = json.loads(texts[_uuid(client_id)])["body"]["answers"]
        assert {**json.loads(answers), **json.loads(decrypt(personal, OPEN_TEXT_PURPOSE))} == sent, client_id
    complete = "SELECT COUNT(*), COUNT(DISTINCT case_id) FROM contacts_contact WHERE disposition = '1.1'"
    assert site.rows(complete) == [(len(texts), len(texts))]


def _uuid(hex_: str) -> str:
    plain = hex_.replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def protocol_part(interviews: int, seed: int = SEED) -> list[str]:
    """The scripted phones; returns what is to be written down."""
    phones = -(-interviews // PER_PHONE)
    with tempfile.TemporaryDirectory() as folder:
        site = FieldSite(Path(folder), interviewers=phones, each=min(PER_PHONE, interviews))
        site.start()
        line, killer = BadLine(site.port, harm=HARM, seed=seed), Killer(site, seed)
        killer.start()
        texts: dict[str, bytes] = {}
        started = time.monotonic()
        try:
            for place in range(phones):
                one_phone(site, line, place, texts)
        finally:
            killer.stopped.set()
            killer.join()
            line.close()
        took = time.monotonic() - started
        check(site, texts)
        site.manage("verify_audit")
        site.kill()
    harms = ", ".join(f"{kind} {n}" for kind, n in sorted(line.counts.items()))
    return [
        f"- {len(texts)} interviews of {phones} scripted phones, seed {seed}, {took:.0f} s: each exactly "
        "once, byte for byte; the audit chain is whole.",
        f"- connections: {harms}; the server was killed {killer.kills} times.",
    ]


def browser_part(days: int, seed: int = SEED) -> list[str]:
    """Days in the app itself; returns what is to be written down."""
    totals = {"interviews": 0, "browser kills": 0, "server kills": 0, "connections harmed": 0}
    with sync_playwright() as playwright:
        for day in range(days):
            with tempfile.TemporaryDirectory() as folder:
                done = walk_a_day(playwright, Path(folder), doors=DOORS, harm=HARM, seed=seed + day)
            totals = {name: totals[name] + done[name] for name in totals}
    told = ", ".join(f"{n} {name}" for name, n in totals.items())
    return [
        f"- {days} days of {DOORS} doors in the app, seeds from {seed}: {told}; each interview exactly once."
    ]


def run() -> tuple[bool, list[str]]:
    """The proof for docs/proof/."""
    lines: list[str] = []
    for part, size in ((protocol_part, INTERVIEWS), (browser_part, DAYS)):
        try:
            lines += part(size) if size else []
        except AssertionError as failure:
            return False, [*lines, f"- {failure}"]
    return True, lines
