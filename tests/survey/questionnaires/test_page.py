"""The resident's page in headless Chromium, served by a small server that can be told to fail."""

import json
import re
import shutil
import subprocess

import pytest

from survey.questionnaires.data.build_core import PATH
from survey.questionnaires.validation import validate_answers
from survey.questionnaires.xlsform import read_xlsform
from tests.survey.questionnaires.phone import STATIC, axe_faults, kept, serving

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
RESIDENT_SCRIPTS = [
    *(STATIC / "questionnaires" / "static" / "questionnaires").glob("*.js"),
    *(STATIC / "responses" / "static" / "responses").glob("*.js"),
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="this machine has no Chromium"),
]


@pytest.fixture(scope="module")
def core():
    return read_xlsform(PATH)[0]


@pytest.fixture(scope="module")
def browser(chromium):
    return chromium


@pytest.fixture
def server(core):
    with serving(core) as running:
        yield running


@pytest.fixture
def page(browser, server):
    context = browser.new_context(viewport={"width": 390, "height": 760})
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    tab.faults = []
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on("console", lambda line: tab.faults.append(line.text) if "Security" in line.text else None)
    tab.goto(server.url)
    yield tab
    assert tab.faults == []
    context.close()


def at(page):
    return kept(page)["at"]


def walk(page, stop=None, unsafe=False):
    """Answer the first option of each item until `stop`, or until everything is answered."""
    while (name := at(page)) != stop:
        if name == "S02":
            page.fill(".mf-input", "45")
        elif name == "H02":
            page.click(".mf-key:nth-child(9)")
        elif name == "A01" and unsafe:
            page.click("label:has-text('不太安全')")
        else:
            page.locator(".mf-row").first.click()
        if name == "D03":
            return
        page.click(".mf-next")


def test_answers_arrive_once_and_are_what_the_server_expects(page, server, core):
    walk(page)
    page.click(".mf-next")
    page.wait_for_url("**/thanks")
    ((token, body),) = server.posts
    sent = json.loads(body)
    assert token == "token"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", sent["id"])
    assert (sent["mode"], sent["language"], sent["document"]) == ("web", "zh-hans", "h1")
    here = validate_answers(core, sent["answers"], "web")
    assert (here.clean, here.path, here.errors) == (sent["answers"], sent["path"], [])
    assert sent["paradata"]["items"]["Q01"]["n"] == 1
    assert page.evaluate("localStorage.length") == 0


def test_without_signal_it_waits_and_sends_the_same_bytes_later(page, server):
    walk(page)
    server.status = 503
    page.click(".mf-next")
    page.wait_for_selector("text=已保存在手机")
    page.context.set_offline(True)
    page.click("text=再试一次")
    page.wait_for_selector("text=现在没有信号")
    server.status = 201
    page.context.set_offline(False)
    page.wait_for_url("**/thanks")
    bodies = {body for _token, body in server.posts}
    assert len(server.posts) >= 2
    assert len(bodies) == 1


def test_opening_the_page_again_sends_what_waits(page, server):
    walk(page)
    server.status = 503
    page.click(".mf-next")
    page.wait_for_selector("text=已保存在手机")
    server.status = 201
    page.reload()
    page.wait_for_url("**/thanks")
    assert len({body for _token, body in server.posts}) == 1


def test_a_refusal_is_told_in_words_and_keeps_the_answers(page, server):
    walk(page)
    server.status = 409
    page.click(".mf-next")
    page.wait_for_selector("text=这份答卷已经收到过，没有覆盖。")
    server.status = 422
    page.click("text=再试一次")
    page.wait_for_selector("text=请再看看这一题。")
    assert at(page) == "Q01"
    assert page.is_checked("input[name=Q01][value='5']")
    assert len({json.loads(body)["id"] for _token, body in server.posts}) == 1


def test_coming_back_continues_where_it_stopped(page):
    walk(page, "Q01")
    page.click("label:has-text('不太满意')")
    page.reload()
    page.wait_for_selector("text=接着上次的答")
    assert at(page) == "Q01"
    assert page.is_checked("input[name=Q01][value='2']")


def test_an_item_without_answer_is_explained_and_can_be_skipped(page):
    walk(page, "Q01")
    assert page.locator("label:has-text('跳过这题')").count() == 0
    page.click(".mf-next")
    assert "不想答，就选“跳过这题”" in page.inner_text("[role=alert]")
    page.click("label:has-text('跳过这题')")
    assert page.locator("[role=alert]").count() == 0
    page.click(".mf-next")
    assert at(page) == "Q04"


def test_a_wrong_age_speaks_the_authors_words(page):
    page.fill(".mf-input", "12")
    page.click(".mf-next")
    assert page.inner_text("[role=alert]").strip() == "周岁年龄要在 18 到 120 之间，请再看一下。"
    assert page.evaluate("document.activeElement.name") == "S02"


def test_the_phones_own_back_goes_to_the_item_before(page):
    walk(page, "K02")
    page.go_back()
    page.wait_for_function("JSON.parse(localStorage['minyi:draft:case-1']).at === 'K01'")
    assert page.is_checked("input[name=K01][value='1']")


def test_choosing_does_not_move_on_and_none_is_chosen_before(page):
    walk(page, "Q01")
    assert page.locator("input:checked").count() == 0
    page.click("label:has-text('一般')")
    assert at(page) == "Q01"


def test_one_option_excludes_the_others_where_it_must(page):
    walk(page, "A03", unsafe=True)
    page.click("label:has-text('盗窃')")
    page.click("label:has-text('其他（请说明）')")
    page.fill(".mf-companion input", "路灯坏了")
    assert "已选 2 项" in page.inner_text("#mf-hint")
    page.click("label:has-text('说不清')")
    assert page.locator("input:checked").count() == 1
    assert page.locator(".mf-companion").count() == 0


def test_it_speaks_the_language_that_is_chosen(page):
    page.click("text=English")
    page.wait_for_selector("h1:has-text('How old are you, in full years?')")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.click("text=繁體")
    page.wait_for_selector("h1:has-text('請問您今年多少周歲？')")
    page.route("**/words_*.js", lambda route: route.abort())


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_nothing_is_wider_than_the_screen_even_in_large_type(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    walk(page, "Q06")
    for _size in ("normal", "large"):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        heights = page.eval_on_selector_all(".mf-row", "rows => rows.map(row => row.offsetHeight)")
        assert min(heights) >= 54
        page.click(".mf-size")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, server, scheme):
    context = browser.new_context(
        viewport={"width": 390, "height": 760}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(server.url)
    for stop in ("Q01", "H02", "A03", "O01"):
        walk(page, stop, unsafe=True)
        assert axe_faults(page) == []
        page.click(".mf-next")
        page.click(".mf-size")
        assert axe_faults(page) == []
        page.click(".mf-size")
    walk(page)
    server.status = 503
    page.click(".mf-next")
    page.wait_for_selector("text=已保存在手机")
    assert axe_faults(page) == []
    context.close()


def test_styles_and_scripts_keep_to_what_kernels_near_chromium_78_can_do():
    """Introduced later: flex gap 84, inset 87, logical margins 87, text-size-adjust freezes WeChat's setting;
    replaceAll 85, at 92, replaceChildren 86, randomUUID 92, structuredClone 98 (chromestatus.com)."""
    styles = [
        STATIC / "questionnaires" / "static" / "questionnaires" / "form.css",
        *(STATIC / "responses" / "static" / "responses").glob("*.css"),
    ]
    for file in styles:
        text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r"text-size-adjust|margin-(inline|block)|[{;\s]inset:", text), file.name
        for rule in re.findall(r"{[^{}]*}", text):
            assert not ("flex" in rule and re.search(r"[\s;{]gap:", rule)), (file.name, rule)
    late = r"\.(replaceAll|at|replaceChildren|randomUUID|findLast|toSorted)\(|structuredClone\("
    for file in RESIDENT_SCRIPTS:
        assert not re.search(late, file.read_text(encoding="utf-8")), file.name


def test_the_scripts_parse_as_es2017():
    """acorn comes with node; a newer syntax than ES2017 is a parse error."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("this machine has no `node`, whose parser reads the scripts")
    program = (
        "const acorn = require('internal/deps/acorn/acorn/dist/acorn');"
        "const text = require('fs').readFileSync(process.argv[1], 'utf8');"
        "acorn.parse(text, {ecmaVersion: 2017, sourceType: 'script'});"
    )
    for file in RESIDENT_SCRIPTS:
        done = subprocess.run(
            [node, "--expose-internals", "-e", program, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{file.name}: {done.stderr[:400]}"
    bad = subprocess.run(
        [node, "--expose-internals", "-e", program.replace("text,", "text + 'a?.b',", 1), str(file)],
        capture_output=True,
        check=False,
    )
    assert bad.returncode != 0
