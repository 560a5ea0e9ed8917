"""A day of doors in the app itself: no network, a browser that is killed, the way home over a bad line."""

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright

from tests.bad_line import BadLine
from tests.browser.field_app import Interviewer, allow_storage, chromium_path
from tests.field_site import FieldSite

PEOPLE = [("王先生", "male", 67), ("李女士", "female", 64), ("小王", "male", 38)]
LIFE_S = (6.0, 25.0)  # of the browser, between kills
MOST_KILLS, SERVER_KILLS = 5, 2
FIRST_AGE = 30  # the door's place is told by the age that is answered there


class KilledBrowser:
    """A browser of our own on one profile, which a timer kills with SIGKILL at a random moment."""

    def __init__(self, playwright: Playwright, profile: Path, chance: random.Random) -> None:
        self.playwright, self.profile, self.chance = playwright, profile, chance
        self.kills, self.armed = 0, False
        self.process: subprocess.Popen | None = None
        self.timer: threading.Timer | None = None

    def start(self) -> Browser:
        """Run it, with its whole group of processes to be killed together."""
        port_file = self.profile / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                chromium_path() or self.playwright.chromium.executable_path,
                "--headless=new",
                "--no-sandbox",
                "--no-first-run",
                "--disable-gpu",
                "--remote-debugging-port=0",
                "--window-size=390,844",
                "--lang=zh-CN",
                f"--user-data-dir={self.profile}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 30
        while not (port_file.exists() and "\n" in port_file.read_text()):
            assert time.monotonic() < end and self.process.poll() is None, "the browser did not start"
            time.sleep(0.05)
        browser = self.playwright.chromium.connect_over_cdp(
            f"http://127.0.0.1:{port_file.read_text().splitlines()[0]}"
        )
        if self.armed and self.kills < MOST_KILLS:
            self.timer = threading.Timer(self.chance.uniform(*LIFE_S), self._shoot)
            self.timer.start()
        return browser

    def _shoot(self) -> None:
        self.kills += 1
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the browser and every process it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def disarm(self) -> None:
        """No more shots."""
        self.armed = False
        if self.timer is not None:
            self.timer.cancel()


def walk_a_day(playwright: Playwright, folder: Path, *, doors: int, harm: float, seed: int) -> dict[str, int]:
    """One interviewer's day; AssertionError when an interview is missing, doubled or changed."""
    chance = random.Random(seed)
    (folder / "profile").mkdir()
    site = FieldSite(folder, interviewers=1, each=doors)
    site.start()
    line = BadLine(site.port, harm=0.0, seed=seed)
    phone = KilledBrowser(playwright, folder / "profile", chance)
    try:
        person = _set_up(phone, line, site)
        phone.armed = True
        phone.kill()
        person = _work(phone, line, doors)
        phone.disarm()
        outbox = person.page.evaluate(
            """minyiField.work.store.all('outbox')
              .then((all) => all.map(({ id, kind, ct }) => ({ id, kind, ct })))"""
        )
        kills = _go_home(person, site, line, harm, chance)
        _check(site, outbox, doors)
        harmed = sum(n for kind, n in line.counts.items() if kind != "pass")
        return {
            "interviews": doors,
            "browser kills": phone.kills,
            "server kills": kills,
            "connections harmed": harmed,
        }
    finally:
        phone.disarm()
        phone.kill()
        site.kill()
        line.close()


def _open(phone: KilledBrowser, line: BadLine, *, offline: bool) -> Interviewer:
    browser = phone.start()
    context = browser.contexts[0]
    allow_storage(context, line.url)
    person = Interviewer(context, line.url)
    if offline:
        person.cut()
    person.open("/field/app/")
    return person


def _set_up(phone: KilledBrowser, line: BadLine, site: FieldSite) -> Interviewer:
    person = _open(phone, line, offline=False)
    person.page.click("a.button:has-text('登录')")
    person.log_in(site.letters[0][0])
    person.page.wait_for_selector("#pin2")
    person.set_pin()
    person.page.wait_for_selector("h1:has-text('今天')")
    person.ready()
    person.wait_uploaded()
    return person


def _work(phone: KilledBrowser, line: BadLine, doors: int) -> Interviewer:
    """Every door, however often the browser is killed on the way."""
    person = None
    end = time.monotonic() + 900
    while True:
        assert time.monotonic() < end, "the day did not end"
        try:
            if person is None:
                person = _open(phone, line, offline=True)
                person.unlock()
                person.until("minyiField.work !== null && minyiField.work.door")
            left = person.page.evaluate(
                """Array.from(minyiField.work.cases.values()).sort((a, b) => a.order[2] - b.order[2])
                  .map((door, place) => [door.id, place]).filter(([id]) => !minyiField.work.isDone(id))"""
            )
            if not left:
                return person
            case_id, place = left[0]
            _interview(person, case_id, FIRST_AGE + place)
        except Error:
            if phone.process.poll() is None:
                phone.kill()  # a page that hangs is a phone that was switched off
            person = None


def _interview(person: Interviewer, case_id: str, age: int) -> None:
    """One door from wherever it was left."""
    person.page.evaluate(f"location.hash = '#/door/{case_id}'")
    person.page.wait_for_selector(".f-history")
    begin = person.page.locator(".f-body > a.f-wide")
    words = begin.text_content()
    if words == "愿意参加，开始登记家人":
        person.list_household(PEOPLE)
    else:
        begin.click()
        person.page.wait_for_selector(".f-chosen, #mf-title")
    if person.page.locator(".f-chosen").count():
        person.agree()
    person.answer(age=str(age))


def _go_home(person: Interviewer, site: FieldSite, line: BadLine, harm: float, chance: random.Random) -> int:
    """Signal again, over a line that harms connections, to a server that is killed; returns the kills."""
    person.reconnect()
    _sync(person)
    if person.page.evaluate("minyiField.state") == "login":  # the kill came before the cookie was on the disk
        person.open("/accounts/login/?next=/field/app/")
        person.log_in(site.letters[0][0])
        person.unlock()
        person.until("minyiField.work !== null && minyiField.work.door")
    line.harm = harm
    for _kill in range(SERVER_KILLS):
        person.page.evaluate("minyiField.sync().catch(() => undefined); 0")
        time.sleep(chance.uniform(0.05, 1.0))
        site.kill()
        site.start()
    end = time.monotonic() + 300
    while person.page.evaluate("minyiField.work.waiting().length"):
        assert time.monotonic() < end, "the outbox did not empty"
        _sync(person)
    return SERVER_KILLS


def _sync(person: Interviewer) -> None:
    """Ask for a contact and give it some seconds; on this line not every one ends well."""
    person.page.evaluate(
        "Promise.race([minyiField.sync(), new Promise((done) => { setTimeout(done, 8000); })])"
    )


def _check(site: FieldSite, outbox: list[dict], doors: int) -> None:
    interviews = [item for item in outbox if item["kind"] == "interview"]
    assert len(interviews) == doors, f"{len(interviews)} interviews in the outbox"
    rows = site.rows("SELECT id, payload, state FROM fieldwork_syncitem")
    stored = {row[0].replace("-", ""): row[1:] for row in rows}
    assert stored.keys() == {item["id"].replace("-", "") for item in outbox}
    for item in outbox:
        payload, state = stored[item["id"].replace("-", "")]
        assert (state, json.loads(payload)["ct"]) == ("accepted", item["ct"]), (item["id"], state)
    ages = [json.loads(row[0])["age"] for row in site.rows("SELECT answers FROM responses_response")]
    assert sorted(ages) == [FIRST_AGE + place for place in range(doors)], ages
    site.manage("verify_audit")
