"""Every kind of question in headless Chromium: answered by hand, read alike by the server, clean for axe."""

import base64
import hashlib
import json
import struct

import pytest

from survey.questionnaires.ordering import order_problems
from survey.questionnaires.validation import validate_answers
from tests.survey.questionnaires.every_type import every_type
from tests.survey.questionnaires.phone import axe_faults, kept, serving

pytestmark = pytest.mark.browser
SETTINGS = {"draft_url": "/draft", "attach_url": "/attachments", "regions_url": "/regions/"}
NOISE = """() => {
  const canvas = document.createElement('canvas');
  canvas.width = 3000; canvas.height = 2000;
  const pen = canvas.getContext('2d');
  for (let i = 0; i < 9000; i++) {
    pen.fillStyle = `hsl(${i * 47 % 360} 70% ${i * 13 % 100}%)`;
    pen.fillRect(i * 331 % 3000, i * 197 % 2000, 60, 40);
  }
  return canvas.toDataURL('image/jpeg', 0.95).split(',')[1];
}"""


@pytest.fixture(scope="module")
def document():
    return every_type()


@pytest.fixture
def site(document):
    with serving(document, **SETTINGS) as running:
        yield running


@pytest.fixture
def open_page(chromium, site):
    """Opens the questionnaire: open_page(width=390, scripts="…run before the page's own…")."""
    opened = []

    def make(width=390, scripts="", **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            geolocation={"latitude": 36.67123456, "longitude": 117.02, "accuracy": 19.4},
            bypass_csp=False,
            **{"permissions": ["geolocation"], **options},
        )
        if scripts:
            context.add_init_script(scripts)
        tab = context.new_page()
        tab.set_default_timeout(10_000)
        tab.faults = []
        tab.on("pageerror", lambda error: tab.faults.append(str(error)))
        tab.on("console", lambda line: tab.faults.append(line.text) if "Security" in line.text else None)
        tab.goto(site.url)
        tab.locator("#mf-title").wait_for()
        opened.append(tab)
        return tab

    yield make
    for tab in opened:
        faults = tab.faults
        tab.context.close()
        assert faults == []


def photo_of_a_camera(page) -> bytes:
    """A JPEG of 3000 × 2000 whose EXIF says: held upright (orientation 6), and where it was taken."""
    jpeg = base64.b64decode(page.evaluate(NOISE))
    entries = struct.pack("<H", 2) + struct.pack("<HHII", 0x0112, 3, 1, 6)
    entries += struct.pack("<HHII", 0x010F, 2, 12, 38) + struct.pack("<I", 0)
    tiff = b"II*\x00" + struct.pack("<I", 8) + entries + b"SECRETPLACE\x00"
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Width and height out of the frame header."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5 : at + 9])
    return width, height


def rate_rows(page):
    """Answer a matrix, as cards or as a table."""
    if page.locator(".mf-table").count():
        for row in page.locator("tbody tr").all():
            row.locator(".mf-cell").nth(1).click()
        return
    for _row in range(3):
        page.locator(".mf-opened .mf-chip").nth(1).click()
    assert page.locator(".mf-opened").count() == 0
    assert "比较满意" in page.locator(".mf-cardrow").first.inner_text()


def rank(page):
    for _place in range(3):
        page.locator(".mf-rest-row").first.click()
    second = page.locator(".mf-rank-text").nth(1).inner_text()
    page.locator(".mf-up").nth(1).click()
    assert page.locator(".mf-rank-text").first.inner_text() == second


def choose_two_of_four(page):
    page.locator(".mf-main .mf-row").nth(0).click()
    page.locator(".mf-main .mf-row").nth(1).click()
    page.locator(".mf-main .mf-row").nth(2).click()
    assert page.locator("input:checked").count() == 2
    assert "最多选 2 项。想换一项" in page.inner_text(".mf-full")


def fill_the_page(page):
    page.fill("input[type=date]", "2020-01-02")
    page.fill("input[type=time]", "18:30")
    page.fill("input[type=datetime-local]", "2026-11-20T09:05")
    page.click("label:has-text('其他')")
    page.click(".mf-next")
    assert page.locator("[role=alert]").count() == 1, "the page stays until what is required is written"
    page.fill("[name=matter_other]", "楼道灯")


def add_two_people(page):
    for name, years in (("王秀英", "12"), ("李建国", "50")):
        page.click(".mf-add")
        page.fill(".mf-input", name)
        page.click(".mf-next")
        page.fill(".mf-input", years)
        page.click(".mf-next")
        if years == "12":
            assert page.inner_text(".mf-whose") == "第 1 位家人：王秀英"
            page.click(".mf-next")
    page.click(".mf-link[aria-label='去掉 第 1 位家人：王秀英']")
    assert "去掉了：第 1 位家人：王秀英" in page.inner_text(".mf-notice")
    page.click(".mf-undo")
    assert page.locator(".mf-person").count() == 2


def pick_a_community(page):
    for depth in range(3):
        page.locator(".mf-region select").nth(depth).wait_for()
        page.locator(".mf-region select").nth(depth).select_option(index=1)


def give_the_place(page):
    assert "再问您一次" in page.inner_text(".mf-ask")
    page.click(".mf-ask .mf-button")
    page.wait_for_selector("text=会送出：纬度 36.67123，经度 117.02，误差约 20 米。")


def take_a_photo(page):
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo_of_a_camera(page)}
    page.locator(".mf-file").first.set_input_files(file)
    page.locator(".mf-view img").wait_for()


def sign(page):
    page.click(".mf-strong")
    assert "还没有字" in page.inner_text(".mf-answer > .mf-soft")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 90, steps=4)
    page.mouse.up()
    page.click(".mf-strong")
    page.locator("img.mf-sign").wait_for()


STEPS = {
    "welcome": None,
    "rules": lambda page: page.click(".mf-row"),
    "age": lambda page: page.fill(".mf-input", "70"),
    "share": lambda page: page.fill(".mf-input", "88.5"),
    "town": lambda page: page.click("label:has-text('济南')"),
    "survey_year": None,
    "stars": lambda page: page.click(".mf-key:nth-child(4)"),
    "life": lambda page: page.click(".mf-key:nth-child(8)"),
    "estate*": rate_rows,
    "first": rank,
    "ways": choose_two_of_four,
    "times*": fill_the_page,
    "family[]": add_two_people,
    "area": pick_a_community,
    "spot": give_the_place,
    "picture": take_a_photo,
    "sign": sign,
    "remark": lambda page: page.fill("textarea", "谢谢"),
}


def walk(page, stop="", look=None):
    """Answer until the screen `stop`; `look(page)` sees each screen before and after its answer."""
    for key, act in STEPS.items():
        if key == stop:
            return
        assert kept(page)["at"] == key
        if look:
            look(page)
        if act:
            act(page)
            if look:
                look(page)
        page.click(".mf-next")


def look_in_light_and_dark(page):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_faults(page) == [], (scheme, kept(page)["at"])
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, kept(page)["at"]


@pytest.mark.parametrize("width", [360, 1280])
def test_every_type_is_answered_and_read_alike_by_the_server(open_page, site, document, width):
    page = open_page(width)
    walk(page, look=look_in_light_and_dark)
    page.wait_for_url("**/thanks")
    ((_token, body),) = site.posts
    sent = json.loads(body)
    here = validate_answers(document, sent["answers"], "web")
    assert (here.errors, here.clean, here.path) == ([], sent["answers"], sent["path"])
    assert sent["answers"]["family"] == [{"called": "王秀英", "years": 12}, {"called": "李建国", "years": 50}]
    assert sent["answers"]["area"] == "370104000000"[:4] + "05001001"
    orders = sent["paradata"]["orders"]
    assert set(orders) == {"estate", "first", "ways"}
    assert order_problems(document, sent["id"], orders) == []
    assert "family[1].school" in sent["paradata"]["items"]

    photo = site.files[sent["answers"]["picture"]["id"]]
    assert photo["sha256"].decode() == hashlib.sha256(photo["file"]).hexdigest()
    assert photo["sha256"].decode() == sent["answers"]["picture"]["sha256"]
    assert len(photo["file"]) == sent["answers"]["picture"]["bytes"] <= 400_000
    assert b"Exif" not in photo["file"] and b"SECRETPLACE" not in photo["file"]
    assert size_of_jpeg(photo["file"]) == (1067, 1600), "made smaller, and upright as it was held"
    assert site.files[sent["answers"]["sign"]["id"]]["file"].startswith(b"\x89PNG")
    saves = [each["at"] for each in site.saves]
    assert {"stars", "times*", "family[]", "area"} <= set(saves), "one save at the end of each block"
    assert page.evaluate("localStorage.length") == 0


def test_the_page_keeps_to_the_keyboard_where_there_is_no_finger(open_page):
    page = open_page(390)
    walk(page, "estate*")
    page.locator(".mf-opened input").first.focus()
    for _press in range(3):
        page.keyboard.press("ArrowDown")
    assert page.locator(".mf-opened input:checked").count() == 1, "arrows pass over options; the card stays"
    page.keyboard.press("Enter")
    assert page.locator(".mf-closed-row strong").count() == 1
    assert page.evaluate("document.activeElement.className") == "mf-rowtitle"
    rate_rows_by_click = page.locator(".mf-opened .mf-chip")
    for _row in range(2):
        rate_rows_by_click.nth(0).click()
    page.click(".mf-next")
    page.locator(".mf-rest-row").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator(".mf-rank").count() == 2, "the next option takes the focus"


def test_a_typed_name_signs_for_who_cannot_draw(open_page, site):
    page = open_page(390)
    walk(page, "sign")
    page.click("text=不方便手写，改为打字")
    assert axe_faults(page) == []
    page.fill(".mf-ask input", "王秀英")
    page.click(".mf-strong")
    page.locator("img.mf-sign").wait_for()
    page.click(".mf-next")
    assert kept(page)["at"] == "remark"


def test_a_place_that_is_not_allowed_is_no_dead_end(open_page):
    page = open_page(390, permissions=[])
    walk(page, "spot")
    page.click(".mf-ask .mf-button")
    page.wait_for_selector("text=您没有允许定位")
    page.click(".mf-next")
    assert kept(page)["at"] == "picture"


def test_files_wait_on_the_phone_and_go_before_the_answers(open_page, site):
    page = open_page(390)
    site.files_status = 503
    walk(page, "sign")
    page.reload()
    page.locator("img.mf-sign, canvas").first.wait_for()
    sign(page)
    page.click(".mf-next")
    page.fill("textarea", "谢谢")
    page.click(".mf-next")
    page.wait_for_selector("text=还有 2 个文件没送到")
    assert site.posts == []
    site.files_status = 201
    page.click(".mf-retry")
    page.wait_for_url("**/thanks")
    answers = json.loads(site.posts[0][1])["answers"]
    assert {answers["picture"]["id"], answers["sign"]["id"]} == set(site.files)


def test_a_phone_without_a_database_says_that_files_need_the_page_open(open_page, site):
    page = open_page(390, "Object.defineProperty(window, 'indexedDB', {value: undefined})")
    walk(page, "sign")
    sign(page)
    assert "提交之前请别关这一页" in page.inner_text(".mf-answer > .mf-soft")
    page.click(".mf-next")
    page.fill("textarea", "谢谢")
    page.click(".mf-next")
    page.wait_for_url("**/thanks")
    assert len(site.files) == 2


# ---- the draft on the server -----------------------------------------------------------------------------


def test_a_phone_that_forgot_carries_on_from_the_server(open_page, site):
    first = open_page(390)
    walk(first, "stars")
    first.wait_for_timeout(200)
    assert site.draft["at"] == "stars"
    second = open_page(390)
    second.wait_for_selector("text=接着上次的答")
    assert kept(second)["at"] == "stars"
    assert kept(second)["id"] == site.draft["id"]
    walk_on(second, "stars", "life")
    assert kept(second)["answers"]["age"] == "70"


def walk_on(page, start, stop):
    """From one screen to another."""
    names = list(STEPS)
    for key in names[names.index(start) : names.index(stop)]:
        if STEPS[key]:
            STEPS[key](page)
        page.click(".mf-next")


def test_the_later_of_two_phones_wins_and_it_is_said(open_page, site):
    page = open_page(390)
    walk(page, "stars")
    page.wait_for_timeout(200)
    site.draft = {**site.draft, "at": "life", "sequence": site.draft["sequence"] + 5}
    site.draft["answers"] = {**site.draft["answers"], "stars": 2}
    page.reload()
    page.wait_for_selector("text=您在另一部手机上答得更晚")
    assert (kept(page)["at"], kept(page)["answers"]["stars"]) == ("life", 2)


def test_an_answer_that_came_in_from_another_phone_ends_this_one_in_words(open_page, site):
    page = open_page(390)
    site.draft_status = 409
    walk(page, "stars")
    page.wait_for_selector("text=您家的这一份已经交过了")
    assert axe_faults(page) == []


def test_without_signal_it_says_so_and_catches_up(open_page, site):
    page = open_page(390)
    walk(page, "survey_year")
    page.context.set_offline(True)
    page.click(".mf-next")
    page.wait_for_selector("text=没有信号，照常答")
    assert axe_faults(page) == []
    page.context.set_offline(False)
    page.wait_for_selector(".mf-offline:empty", state="attached")
    assert site.draft["at"] == "stars"


def test_leaving_the_page_sends_what_was_answered_last(open_page, site):
    page = open_page(390)
    walk(page, "age")
    page.fill(".mf-input", "66")
    page.goto("about:blank")
    for _try in range(40):
        if site.draft:
            break
        page.wait_for_timeout(50)
    assert site.draft["answers"]["age"] == "66"


# ---- eyes and ears -----------------------------------------------------------------------------------------

VOICES = """
  window.said = [];
  const voices = [{lang: 'zh-CN', name: '普通话'}];
  Object.defineProperty(window.speechSynthesis, 'getVoices', {value: () => voices});
  Object.defineProperty(window.speechSynthesis, 'speak', {value: (u) => window.said.push(u.text)});
  Object.defineProperty(SpeechSynthesisUtterance.prototype, 'voice', {set() {}});
"""


def test_it_reads_aloud_where_the_browser_has_a_voice(open_page):
    page = open_page(390, VOICES)
    walk(page, "stars")
    page.click("text=读给我听")
    assert page.inner_text(".mf-aloud") == "停"
    assert "您给社区服务几颗星" in page.evaluate("said[0]") and "不了解" in page.evaluate("said[0]")
    assert axe_faults(page) == []
    page.click("text=停")
    page.click("text=English")
    page.wait_for_selector("h1:has-text('How many stars')")
    assert not page.locator(".mf-aloud").is_visible(), "no English voice, no button"


def test_without_a_voice_there_is_no_button(open_page):
    page = open_page(390, "Object.defineProperty(window.speechSynthesis, 'getVoices', {value: () => []})")
    assert not page.locator(".mf-aloud").is_visible()


def test_the_text_size_that_wechat_sets_is_honoured(open_page):
    """WeChat on iOS sets text-size-adjust on the body (100–200 %); nothing of ours may freeze it."""
    page = open_page(390, is_mobile=True, has_touch=True)
    walk(page, "stars")
    before = page.locator("#mf-title").bounding_box()["height"]
    page.evaluate("document.body.style.webkitTextSizeAdjust = '200%'")
    page.wait_for_timeout(300)
    assert page.locator("#mf-title").bounding_box()["height"] > 1.5 * before
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("language", ["English", "繁體"])
def test_large_type_in_other_languages_fits_and_is_clean(open_page, language):
    page = open_page(360)
    page.click(f"text={language}")
    page.locator("html:not([lang=zh-CN])").wait_for()
    page.click(".mf-size")
    for _screen in range(12):
        assert axe_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, kept(page)["at"]
        before = kept(page)["at"]
        answer_anything(page)
        page.click(".mf-next")
        if kept(page)["at"] == before:
            break
    assert kept(page)["at"] in ("first", "times*")


def answer_anything(page):
    """Whatever is there first: enough to go on to the ranking."""
    if page.locator(".mf-opened").count():
        for _row in range(3):
            page.locator(".mf-opened .mf-chip").first.click()
    elif page.locator(".mf-main input[type=radio], .mf-main input[type=checkbox]").count():
        page.locator(".mf-main label").first.click()
    elif page.locator(".mf-input").count():
        page.fill(".mf-input", "45")
