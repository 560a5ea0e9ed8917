"""Drives the interviewer's app in a browser with a profile of its own, as an installed app has one."""

import json
import shutil
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, BrowserType, Page

PIN = "271828"
PERMISSIONS = ["durableStorage", "geolocation"]
SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens" / "field"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str | None:
    """The machine's own browser; None where only Playwright's download is."""
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


def launch(kind: BrowserType, profile, *, width: int = 390, height: int = 844, **options) -> BrowserContext:
    """A browser on a profile folder, which may keep its storage and tell where it is."""
    return kind.launch_persistent_context(
        str(profile),
        executable_path=chromium_path(),
        args=["--no-sandbox"],
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        geolocation={"latitude": 36.66, "longitude": 117.0, "accuracy": 12},
        permissions=["geolocation"],
        **options,
    )


def allow_storage(context, site: str) -> None:
    """What an installed app gets from the browser without asking."""
    page = context.pages[0] if context.pages else context.new_page()
    session = context.new_cdp_session(page)
    session.send(
        "Browser.grantPermissions", {"origin": site, "permissions": ["durableStorage", "geolocation"]}
    )


class Interviewer:
    """One interviewer with the app open. `look` names the folder of its pictures; "" takes none."""

    def __init__(self, context, site: str, *, look: str = "") -> None:
        self.context, self.site, self.folder = context, site, SCREENS / look if look else None
        self.page: Page = context.pages[0] if context.pages else context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message) -> None:
        expected = ("ERR_INTERNET_DISCONNECTED", "status of 4", "status of 5", "ERR_CONNECTION", "ERR_FAILED")
        if message.type == "error" and not any(each in message.text for each in expected):
            self.complaints.append(message.text)

    # --- signal -------------------------------------------------------------------------------------
    def cut(self) -> None:
        self.context.set_offline(True)

    def reconnect(self) -> None:
        self.context.set_offline(False)

    # --- the way in ---------------------------------------------------------------------------------
    def log_in(self, username: str) -> None:
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", f"{username}-password")
        self.page.click("form.stack button[type=submit]")

    def set_pin(self, pin: str = PIN) -> None:
        self.page.fill("#pin", pin)
        self.page.fill("#pin2", pin)
        self.page.click("text=设好，开始")

    def unlock(self, pin: str = PIN) -> None:
        self.page.fill("#pin", pin)
        self.page.click("button:has-text('打开')")

    def open(self, path: str = "/field/app/") -> None:
        self.page.goto(self.site + path)

    def ready(self) -> None:
        """The service worker has every file."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.until("navigator.serviceWorker.controller !== null")

    def begin(self, username: str) -> None:
        """A new phone, from the log-in page to today's doors."""
        self.open("/accounts/login/")
        self.look("1-login")
        self.page.click("text=装手机应用")
        self.page.wait_for_selector("text=三步就好")
        self.look("2-welcome")
        self.page.click("a.button:has-text('登录')")
        self.log_in(username)
        self.page.wait_for_selector("#pin2")
        self.look("3-pin")
        self.set_pin()
        self.page.wait_for_selector("h1:has-text('今天')")
        self.ready()
        self.wait_uploaded()

    def installability(self) -> tuple[dict, list]:
        """The manifest as the browser read it, and what keeps the browser from offering installation."""
        session = self.context.new_cdp_session(self.page)
        session.send("Page.enable")
        found = session.send("Page.getAppManifest")
        faults = found["errors"] + session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        session.detach()
        return json.loads(found["data"]), faults

    # --- at a door ----------------------------------------------------------------------------------
    def go_to_case(self, case) -> None:
        """A door by its case: addresses come again in the next community."""
        self.page.click(f".f-row[href='#/door/{case.opaque_id}']")
        self.page.wait_for_selector(".f-history")

    def go_to(self, address: str) -> None:
        self.page.click(f".f-row:has-text('{address}')")
        self.page.wait_for_selector(".f-history")

    def home(self) -> None:
        self.page.evaluate("location.hash = '#/'")
        self.page.wait_for_selector("h1:has-text('今天')")

    def photograph(self, path) -> None:
        """Take the door's picture, as far as a test can."""
        self.page.set_input_files("#plate", path)
        self.page.wait_for_selector("text=门牌照片拍好了")

    def record(self, result: str, note: str = "", picture=None) -> None:
        self.page.click(f".f-pair a:has-text('{result}')")
        self.save_visit(note, picture)

    def save_visit(self, note: str = "", picture=None) -> None:
        self.page.fill("#note", note)
        if picture:
            self.photograph(picture)
        self.page.click("button:has-text('记下来')")
        self.page.wait_for_selector("h1:has-text('今天')")

    def list_household(self, people) -> None:
        self.page.click("text=愿意参加，开始登记家人")
        self.page.wait_for_selector("#label-0")
        for place, (label, sex, age) in enumerate(people):
            self.page.fill(f"#label-{place}", label)
            self.page.fill(f"#age-{place}", str(age))
            self.page.check(f"input[name=sex-{place}][value={sex}]", force=True)
        self.page.click("button:has-text('名单齐了')")
        self.page.wait_for_selector(".f-chosen")

    def agree(self, picture=None) -> None:
        self.page.click(".f-foot a:has-text('就访')")
        self.page.wait_for_selector("canvas")
        if picture:
            self.photograph(picture)
        self.page.locator("canvas").scroll_into_view_if_needed()
        box = self.page.locator("canvas").bounding_box()
        self.page.mouse.move(box["x"] + 40, box["y"] + 40)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 160, box["y"] + 90, steps=6)
        self.page.mouse.up()
        self.page.click("button:has-text('对方同意，开始问')")
        self.page.wait_for_selector("#mf-title")

    def answer(self, stop: str = "", age: str = "43") -> None:
        """The first option of each item until `stop` is on the screen, or until the end is handed in."""
        while True:
            name = self.at()
            if name == stop:
                return
            if name == "age":
                self.page.fill(".mf-input", age)
            elif name == "trust":
                self.page.click(".mf-key:nth-child(8)")
            elif name != "remark":
                self.page.locator(".mf-row").first.click()
            else:
                self.page.fill("textarea, .mf-input", "楼下的路灯坏了")
            self.page.click(".mf-next")
            if name == "age":
                self.page.wait_for_selector("text=这一户的答卷已经存好")
                return
            self.until(
                """!document.querySelector('.mf-form') || Array.from(minyiField.work.open.values())
                  .every((draft) => !draft.form || draft.form.at !== '"""
                + name
                + "')"
            )

    def leave_number(self, number: str) -> None:
        """After the interview: the household leaves a number."""
        self.page.fill("#phone", number)
        self.page.click("button:has-text('对方愿意，记下')")
        self.page.wait_for_selector("text=回访电话记下了")

    def until(self, condition: str, timeout_s: float = 15) -> None:
        """Wait for a condition of the page. Playwright's own wait evaluates text, which the page's policy
        forbids."""
        self.page.evaluate(
            f"""() => new Promise((resolve, reject) => {{
              const end = Date.now() + {timeout_s * 1000};
              const look = () => {{
                if ({condition}) resolve(true);
                else if (Date.now() > end) reject(new Error('not in time'));
                else setTimeout(look, 20);
              }};
              look();
            }})"""
        )

    def at(self) -> str:
        """The item on the screen, as the draft on the disk says."""
        self.page.wait_for_selector(".mf-form")
        here = """Array.from(minyiField.work.open.values())
          .find((draft) => location.hash.includes(draft.case) && draft.form && draft.form.at)"""
        self.until(here)
        return self.page.evaluate(f"({here}).form.at")

    def counts(self) -> dict[str, int]:
        """What the phone still holds."""
        return self.page.evaluate(
            """async () => ({
              waiting: (await minyiField.work.store.all('outbox')).filter((each) => each.state === 'waiting')
                .length,
              drafts: await minyiField.work.store.count('drafts'),
              files: await minyiField.work.store.count('files'),
            })"""
        )

    def wait_uploaded(self) -> None:
        self.until(
            """minyiField.work && minyiField.state === 'online' && !minyiField.syncing &&
              !minyiField.work.waiting().length""",
            timeout_s=30,
        )

    def look(self, name: str) -> None:
        """A picture, no grave fault, nothing wider than the phone."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(150)
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)
        faults = [
            f"{violation['id']} {[node['html'][:160] for node in violation['nodes']][:3]}"
            for violation in Axe().run(self.page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert not faults and wide <= 0, (name, faults, wide)
