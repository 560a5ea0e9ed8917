"""Takes the pictures of the docs from a running demo.

make demo            # in one terminal
make screenshots     # in another; ARGS="--site http://127.0.0.1:8100" for another port
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
PASSWORD = "minyi-demo-2026"  # noqa: S105 - the demo prints it
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCALE = 1.5  # pixels of a picture for each of the page
STEPS = ("posters", "delivery", "fieldwork", "field/people", "texts", "weighting")
PIN = "271828"
FAMILY = (("王先生", "male", 67), ("李女士", "female", 64), ("小王", "male", 38))


def keep(name: str, png: bytes) -> None:
    """A picture of the docs, with 256 colours: a third of the weight, the same to the eye."""
    picture = Image.open(BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(IMAGES / f"{name}.png", optimize=True)


class Camera:
    """One window of a given width, logged in when a name is given."""

    def __init__(self, browser: Browser, site: str, width: int, username: str = "") -> None:
        height = 844 if width < 800 else 900
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            base_url=site,
            device_scale_factor=SCALE,
        )
        self.page: Page = context.new_page()
        if username:
            self.page.goto("/accounts/login/")
            self.page.fill("input[name=username]", username)
            self.page.fill("input[name=password]", PASSWORD)
            self.page.keyboard.press("Enter")
            self.page.wait_for_url(lambda url: "/login/" not in url)

    def take(self, name: str, path: str = "", full: bool = False) -> None:
        """One picture of an address, or of what is open."""
        if path:
            self.page.goto(path)
        self.page.wait_for_load_state("networkidle")
        self.shoot(name, full)

    def shoot(self, name: str, full: bool = False) -> None:
        """One picture of what is open, now."""
        keep(name, self.page.screenshot(full_page=full))


def team(browser: Browser, site: str) -> None:
    """The console, on a desk."""
    camera = Camera(browser, site, 1280, "li")
    camera.page.goto("/console/")
    round_path = camera.page.locator("a[href*='/console/rounds/']").first.get_attribute("href") or "/console/"
    camera.take("console-round-1280", round_path)
    for step in STEPS:
        camera.take(f"console-{step.replace('/', '-')}-1280", f"{round_path}{step}/")
    camera.page.goto("/console/wechat/")
    account = camera.page.locator("main a[href^='/console/wechat/']").first.get_attribute("href")
    camera.page.goto(account or "/console/wechat/")
    camera.page.get_by_role("button", name="全部检查一遍").click()
    camera.take("console-wechat-1280")
    editor(camera, f"{round_path}questionnaire/")
    _wizard(camera, round_path)


def editor(camera: Camera, path: str) -> None:
    """The questionnaire editor, on a draft that goes again."""
    page = camera.page
    page.goto(path)
    page.locator("table a").first.click()
    page.get_by_role("button", name="出新的一版").click()
    page.locator("[data-item='Q04'] a").click()
    camera.take("console-editor-1280")
    page.get_by_role("link", name="检查和发布").click()
    page.get_by_text("不要这份草稿了").click()
    page.get_by_role("button", name="删掉草稿").click()


def _wizard(camera: Camera, round_path: str) -> None:
    """Precision and simulation of the sampling wizard. Nothing is committed to or drawn."""
    page = camera.page
    page.goto(f"{round_path}sampling/population/")
    go_on = page.get_by_role("button", name="总体就是这些，下一步")
    if not go_on.count():  # the field has closed: the wizard takes no more answers
        return
    go_on.click()
    page.get_by_label(re.compile("每个街道的误差")).fill("5")
    page.get_by_role("button", name="重算").click()
    camera.take("console-wizard-precision-1280", full=True)
    page.get_by_role("button", name="就按这个精度，下一步").click()
    page.get_by_role("button", name="看看每个街道会有多准，下一步").click()
    start = page.get_by_role("button", name="开始模拟")
    if start.count():
        start.click()
    camera.take("console-wizard-simulation-1280")


def public(browser: Browser, site: str) -> None:
    """What everybody sees of the draw, without an account."""
    phone = Camera(browser, site, 390)
    phone.take("draws-390", "/draws/")
    draw = phone.page.locator("main a[href^='/draws/']").first.get_attribute("href") or "/draws/"
    phone.take("draws-line-390", "/draws/my-line")
    Camera(browser, site, 1280).take("draws-draw-1280", draw)


def official(browser: Browser, site: str) -> None:
    """The report, on a phone and on a desk."""
    phone = Camera(browser, site, 390, "wang")
    phone.page.goto("/reports/")
    report = phone.page.locator("main a[href^='/reports/']").first.get_attribute("href") or "/reports/"
    phone.take("report-390", report)
    desk = Camera(browser, site, 1280, "wang")
    desk.take("report-1280", report)
    desk.page.locator("h2", has_text="个街道").first.evaluate("e => e.scrollIntoView()")
    desk.take("report-league-1280")


def interviewer(browser: Browser, site: str) -> None:
    """Today's list and one door."""
    phone = Camera(browser, site, 390, "zhao1")
    phone.take("field-today-390", "/field/")
    door = phone.page.locator("a[href*='/field/cases/']").first
    if door.count():
        phone.take("field-door-390", door.get_attribute("href") or "/field/")


def field_app(playwright: Playwright, path: str | None, site: str) -> None:
    """The interviewer's app in its training: a made-up community, and nothing is uploaded."""
    with tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=path,
            args=["--no-sandbox"],
            viewport={"width": 390, "height": 844},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            device_scale_factor=SCALE,
            permissions=["geolocation"],
            geolocation={"latitude": 36.66, "longitude": 117.0, "accuracy": 12},
        )
        _train(context, site)
        context.close()


def _train(context: BrowserContext, site: str) -> None:
    page = context.pages[0]
    grant = {"origin": site, "permissions": ["durableStorage", "geolocation"]}  # as an installed app has them
    context.new_cdp_session(page).send("Browser.grantPermissions", grant)
    shoot = lambda name: keep(f"field-app-{name}-390", page.screenshot())  # noqa: E731
    page.goto(f"{site}/field/app/")
    page.click("a.button:has-text('登录')")
    page.fill("input[name=username]", "zhao1")
    page.fill("input[name=password]", PASSWORD)
    page.click("form.stack button[type=submit]")
    page.fill("#pin", PIN)
    page.fill("#pin2", PIN)
    page.click("text=设好，开始")
    page.wait_for_selector("h1:has-text('今天')")
    page.evaluate("location.hash = '#/sync'")
    page.wait_for_selector("text=练习一下")
    page.click("text=练习一下")
    page.wait_for_selector("h1:has-text('今天 5 户')")
    shoot("today")
    page.locator(".f-row").first.click()
    page.wait_for_selector(".f-history")
    shoot("door")
    page.click("text=愿意参加，开始登记家人")
    page.wait_for_selector("#label-0")
    for place, (label, sex, age) in enumerate(FAMILY):
        page.fill(f"#label-{place}", label)
        page.fill(f"#age-{place}", str(age))
        page.check(f"input[name=sex-{place}][value={sex}]", force=True)
    page.click("button:has-text('名单齐了')")
    page.wait_for_selector(".f-chosen")
    shoot("chosen")
    page.click(".f-foot a:has-text('就访')")
    page.wait_for_selector("canvas")
    shoot("consent")
    page.evaluate("location.hash = '#/sync'")
    page.wait_for_selector("text=结束练习")
    shoot("sync")


def resident(browser: Browser, site: str, letter: str) -> None:
    """From the letter to the first questions, and without signal. Nothing is handed in."""
    phone = Camera(browser, site, 390)
    page = phone.page
    phone.take("resident-entry-390", letter)
    page.get_by_role("button", name="打开看看").click()
    phone.take("resident-welcome-390")
    page.get_by_role("button", name="我愿意，开始答题").click()
    page.wait_for_load_state("networkidle")
    if page.locator("input[name=n]").count():
        page.locator("input[name=n][value='3']").check()
        page.get_by_role("button", name="下一步").click()
        phone.take("resident-birthday-390")
        page.get_by_label("是我自己").check()
        page.get_by_role("button", name="下一步").click()
    page.wait_for_load_state("networkidle")
    page.locator("input").first.fill("70")
    for _ in range(7):
        page.get_by_role("button", name="下一题").click()
        page.locator("input[type=radio]").nth(1).check()
    phone.take("resident-item-390")
    page.context.set_offline(True)
    for _ in range(60):
        page.locator("button", has_text=re.compile("下一题|提交|交卷")).first.click()
        page.wait_for_timeout(500)  # the next item, or that the answers wait for a signal
        if page.get_by_text("已保存在手机").count():
            break
        skip = page.get_by_text("跳过这题")
        radios = page.locator("input[type=radio]")
        if radios.count() > 1:
            radios.nth(1).check()
        elif skip.count():
            skip.first.click()
    phone.shoot("resident-offline-390")


def main() -> int:
    """Take all pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--var", type=Path, default=ROOT / "var")
    options = parser.parse_args()
    letters = options.var / "demo-letters.json"
    if not letters.exists():
        print("没有正在运行的演示：请先 make demo。")
        return 1
    letter = json.loads(letters.read_text(encoding="utf-8"))[-1]["path"]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        team(browser, options.site)
        public(browser, options.site)
        official(browser, options.site)
        interviewer(browser, options.site)
        resident(browser, options.site, letter)
        browser.close()
        field_app(playwright, path, options.site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
