"""A day of doors in the app itself: no network, a browser that is killed, the way home over a bad line."""

import json
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

from tests.bad_line import BadLine
from tests.browser.field_app import Interviewer, allow_storage, chromium_path
from tests.field_site import FieldSite

PEOPLE = [("王先生", "male", 67), ("李女士", "female", 64), ("小王", "male", 38)]
LIFE_S = (2.0, 20.0)  # of the browser, between kills
KILLS = 5  # of the browser at the doors; what a quick day leaves of them falls into the upload
HOME_KILLS, SERVER_KILLS = 1, 2  # in the upload
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
        self._disarm()
        port_file = self.profile / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                chromium_path() or self.playwright.chromium.executable_path,
                "--headless=new",
                "--no-sandbox",
                "--no-first-run",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--window-size=390,844",
                "--lang=zh-CN",
                f"--user-data-dir={self.profile}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 60
        while not (port_file.exists() and "\n" in port_file.read_text()):
            assert time.monotonic() < end and self.process.poll() is None, "the browser did not start"
            time.sleep(0.05)
        browser = self.playwright.chromium.connect_over_cdp(
            f"http://127.0.0.1:{port_file.read_text().splitlines()[0]}"
        )
        if self.armed and self.kills < KILLS:
            self.timer = threading.Timer(self.chance.uniform(*LIFE_S), self.shoot)
            self.timer.start()
        return browser

    def shoot(self) -> None:
        """The kill that counts, if there is anything to kill."""
        self.kills += self.process.poll() is None
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the browser and every process it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def disarm(self) -> None:
        """No more shots from the timer."""
        self.armed = False
        self._disarm()

    def _disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer.join()


def a_day(*, doors: int, harm: float, seed: int) -> dict[str, int]:
    """One interviewer's day on a site of its own, and what happened on it.

    Raises
    ------
    AssertionError : an interview is missing, doubled or changed, or the audit chain is broken.
    """
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return _walk(playwright, Path(folder), doors=doors, harm=harm, seed=seed)


def _walk(playwright: Playwright, folder: Path, *, doors: int, harm: float, seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    (folder / "profile").mkdir()
    site = FieldSite(folder, interviewers=1, each=doors)
    site.start()
    line = BadLine(site.port, harm=0.0, seed=seed)
    phone = KilledBrowser(playwright, folder / "profile", chance)
    try:
        _set_up(phone, line, site)
        phone.kill()
        phone.armed = True
        outbox = _work(phone, line, doors)
        phone.disarm()
        at_doors = phone.kills
        line.harm = harm
        _go_home(phone, line, site, chance)
        _check(site, outbox, doors)
        return {
            "interviews": doors,
            "browser kills": phone.kills,
            "of them at home": phone.kills - at_doors,
            "server kills": SERVER_KILLS,
            "connections": line.reached,
            "harmed": line.harmed,
        }
    finally:
        phone.disarm()
        phone.kill()
        line.close()
        site.close()


def _open(phone: KilledBrowser, line: BadLine, *, offline: bool) -> Interviewer:
    browser = phone.start()
    context = browser.contexts[0]
    allow_storage(context, line.url)
    person = Interviewer(context, line.url)
    if offline:
        person.cut()
    person.open("/field/app/")
    return person


def _set_up(phone: KilledBrowser, line: BadLine, site: FieldSite) -> None:
    person = _open(phone, line, offline=False)
    person.page.click("a.button:has-text('登录')")
    person.log_in(site.letters[0][0])
    person.page.wait_for_selector("#pin2")
    person.set_pin()
    person.page.wait_for_selector("h1:has-text('今天')")
    person.ready()
    person.wait_uploaded()


def _work(phone: KilledBrowser, line: BadLine, doors: int) -> list[dict]:
    """Every door, however often the browser is killed on the way; returns what then lies in the outbox."""
    person = None
    end = time.monotonic() + 900
    while True:
        assert time.monotonic() < end, "the day did not end"
        try:
            if person is None:
                person = _open(phone, line, offline=True)
                _unlock(person)
            left = person.page.evaluate(
                """Array.from(minyiField.work.cases.values()).sort((a, b) => a.order[2] - b.order[2])
                  .map((door, place) => [door.id, place]).filter(([id]) => !minyiField.work.isDone(id))"""
            )
            if not left:
                return person.page.evaluate(
                    """minyiField.work.store.all('outbox')
                      .then((all) => all.map(({ id, kind, ct }) => ({ id, kind, ct })))"""
                )
            case_id, place = left[0]
            _interview(person, case_id, FIRST_AGE + place)
        except Error:
            phone.kill()  # a page that hangs is a phone that was switched off
            person = None


def _unlock(person: Interviewer) -> None:
    person.unlock()
    person.until("minyiField.work !== null && minyiField.work.door")


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


def _go_home(phone: KilledBrowser, line: BadLine, site: FieldSite, chance: random.Random) -> None:
    """Signal again, over a line that harms connections; browser and server are killed in the upload."""
    strikes = ["browser"] * (HOME_KILLS + KILLS - phone.kills) + ["server"] * SERVER_KILLS
    chance.shuffle(strikes)
    phone.kill()
    person = None
    end = time.monotonic() + 600
    while True:
        assert time.monotonic() < end, "the outbox did not empty"
        try:
            person = person or _open_at_home(phone, line, site)
            if strikes:
                person.page.evaluate("minyiField.sync().catch(() => undefined); 0")
                time.sleep(chance.uniform(0.05, 1.0))
                if strikes.pop() == "server":
                    site.kill()
                    site.start()
                else:
                    phone.shoot()
                    person = None
            elif person.page.evaluate("minyiField.work.waiting().length"):
                _sync(person)
            else:
                return
        except Error:
            phone.kill()
            person = None


def _open_at_home(phone: KilledBrowser, line: BadLine, site: FieldSite) -> Interviewer:
    """The app with its own first contact under way: whatever strikes next strikes the upload."""
    person = _open(phone, line, offline=False)
    if not any(cookie["name"] == settings.SESSION_COOKIE_NAME for cookie in person.context.cookies()):
        # A kill came before the cookie was on the disk.
        person.open("/accounts/login/?next=/field/app/")
        person.log_in(site.letters[0][0])
    _unlock(person)
    return person


def _sync(person: Interviewer) -> None:
    """Ask for a contact and give it some seconds; on this line not every one ends well."""
    person.page.evaluate(
        """Promise.race([minyiField.sync().catch(() => undefined),
          new Promise((done) => { setTimeout(done, 8000); })])"""
    )


def _check(site: FieldSite, outbox: list[dict], doors: int) -> None:
    interviews = [item for item in outbox if item["kind"] == "interview"]
    assert len(interviews) == doors, f"{len(interviews)} interviews in the outbox"
    site.work()
    rows = site.rows("SELECT id, payload, state FROM fieldwork_syncitem")
    stored = {row[0].replace("-", ""): row[1:] for row in rows}
    assert stored.keys() == {item["id"].replace("-", "") for item in outbox}
    for item in outbox:
        payload, state = stored[item["id"].replace("-", "")]
        assert (state, json.loads(payload)["ct"]) == ("accepted", item["ct"]), (item["id"], state)
    complete = "SELECT COUNT(*), COUNT(DISTINCT case_id) FROM contacts_contact WHERE disposition = '1.1'"
    assert site.rows(complete) == [(doors, doors)]
    ages = [json.loads(row[0])["age"] for row in site.rows("SELECT answers FROM responses_response")]
    assert sorted(ages) == [FIRST_AGE + place for place in range(doors)], ages
    site.manage("verify_audit")
