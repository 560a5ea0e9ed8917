"""Scripted phones come home over a bad line, several at once, to one server that is killed."""

import json
import random
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from survey.common.crypto import decrypt
from survey.fieldwork.sync import sealing
from survey.fieldwork.sync.keys import PURPOSE as KEY_PURPOSE
from survey.responses.services import OPEN_TEXT_PURPOSE
from tests.bad_line import AWAY, BadLine
from tests.field_site import FieldSite, WireClient
from tests.phones import FieldPhone
from tests.residents import ANSWERS

BATCHES = (1, 40)
BETWEEN_KILLS = (1, 8)  # connections that reach the server, then
LINGER_S = 2.0  # at most, into what the last of them asked for
AWAY_S = (0.2, 3.0)  # until somebody starts it again
PATIENCE_S = 900.0  # a phone that gets nowhere for so long has met a fault of ours


class Killer(threading.Thread):
    """Kills a site at random moments and starts it again, until told to stop.

    The moments follow what reaches the server: a faster machine is killed as often for its interviews.
    """

    def __init__(self, site: FieldSite, line: BadLine, seed: int) -> None:
        super().__init__(daemon=True)
        self.site, self.line, self.random = site, line, random.Random(seed)
        self.stopped, self.kills = threading.Event(), 0

    def run(self) -> None:
        """A random number of connections, then a random moment within the work on the last."""
        while True:
            goal = self.line.reached + self.random.randint(*BETWEEN_KILLS)
            while self.line.reached < goal:
                if self.stopped.wait(0.02):
                    return
            if self.stopped.wait(self.random.uniform(0, LINGER_S)):
                return
            self.site.kill()
            self.kills += 1
            self.stopped.wait(self.random.uniform(*AWAY_S))
            self.site.start()

    def stop(self) -> None:
        """No more kills; the server may be up or down."""
        self.stopped.set()
        if self.is_alive():
            self.join()


def answers_of(place: int) -> dict[str, Any]:
    """Answers that tell interviews apart."""
    return {**ANSWERS, "age": 18 + place % 80, "remark": f"第 {place} 份：楼下的路灯坏了"}


def try_again(deed: Callable[[], Any], chance: random.Random) -> Any:
    """What the app does with a broken line: later, the same again."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return deed()
        # A 5xx or a cut answer is an AssertionError too; a refusal would be seen in the end.
        except (requests.RequestException, json.JSONDecodeError, KeyError, AssertionError) as error:
            if time.monotonic() > end:
                raise RuntimeError("the phone got nowhere") from error
            time.sleep(chance.uniform(0.05, 0.4))


def send_all(phone: FieldPhone, sealed: list[dict], chance: random.Random) -> None:
    """Push until the server has said of each item that it has it."""
    waiting = {item["id"]: item for item in sealed}
    while waiting:
        batch = list(waiting.values())
        chance.shuffle(batch)
        batch = batch[: chance.randint(*BATCHES)]
        results = try_again(lambda batch=batch: phone.push(*batch), chance)
        if chance.random() < 0.1:
            continue  # the phone lost its battery before it noted the answer
        for result in results:
            assert result["state"] != "not_stored", result
            waiting.pop(result["id"], None)


def one_phone(site: FieldSite, line: BadLine, place: int, seed: int, texts: dict[str, bytes]) -> None:
    """One interviewer's long absence: pulls, works, seals, comes home. `texts` gets what was sealed."""
    _name, token = site.letters[place]
    phone = FieldPhone(WireClient(line.url, token))
    chance = random.Random(f"{seed}-{place}")
    try_again(phone.register, chance)
    try_again(phone.pull, chance)
    sealed = []
    for number, case_id in enumerate(phone.cases):
        body = phone.interview_body(case_id, answers=answers_of(place * site.each + number))
        text = phone.text("interview", case_id, body)
        item = phone.sealed(text)
        texts[item["id"]] = json.dumps(text, ensure_ascii=False).encode()
        sealed.append(item)
    send_all(phone, sealed, chance)
    try_again(phone.pull, chance)


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


def come_home(*, phones: int, each: int, harm: float, seed: int) -> dict[str, Any]:
    """`phones` interviewers with `each` interviews at once, and what their line and server did to them.

    Raises
    ------
    AssertionError : an interview is missing, doubled or changed, or the audit chain is broken.
    """
    texts: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        site = FieldSite(Path(folder), interviewers=phones, each=each)
        line = BadLine(site.port, harm=harm, seed=seed)
        killer = Killer(site, line, seed)
        try:
            site.start()
            killer.start()
            with ThreadPoolExecutor(phones) as people:
                list(people.map(lambda place: one_phone(site, line, place, seed, texts), range(phones)))
            killer.stop()
            site.kill()
            assert len(texts) == phones * each, f"{len(texts)} interviews were made"
            site.work()
            check(site, texts)
            site.manage("verify_audit")
        finally:
            killer.stop()
            line.close()
            site.close()
    return {
        "interviews": len(texts),
        "phones": phones,
        "server kills": killer.kills,
        "connections": line.reached,
        "harmed": line.harmed,
        "harms": {kind: n for kind, n in sorted(line.counts.items()) if kind not in ("pass", AWAY)},
    }
