"""The interviewer's app: a day without a signal, home, one sent back; lost, lent and locked phones."""

import pytest

from survey.common.crypto import decrypt
from survey.contacts.household import choose
from survey.contacts.models import Contact
from survey.contacts.services.contacting import NOTE_PURPOSE
from survey.fieldwork.models import Device, SyncItem
from survey.fieldwork.services import assign_cases, review_response
from survey.fieldwork.sync.devices import lock_device
from survey.fieldwork.views import app
from survey.responses.models import Attachment, Flag, Response
from survey.responses.services import open_answers
from tests import factories
from tests.browser.field_app import Interviewer, allow_storage, launch
from tests.residents import Phone as Resident
from tests.residents import make_open_round, write_letter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PEOPLE = [("王先生", "male", 67), ("李女士", "female", 64), ("小王", "male", 38)]


@pytest.fixture
def world(transactional_db):
    regions = factories.make_regions()
    round_ = make_open_round(regions["370105000000"])
    interviewer = factories.make_user("zhao", "interviewer", regions["370105000000"], display_name="赵敏")
    supervisor = factories.make_user("sun", "supervisor", regions["370105000000"])
    first = round_.cases.order_by("community__path").first().community
    cases = list(round_.cases.filter(community=first).order_by("frame_unit__position"))
    assign_cases(cases=cases, interviewer=interviewer, acting_user=supervisor)
    return {"round": round_, "cases": cases, "interviewer": interviewer, "supervisor": supervisor}


@pytest.fixture
def phone(chromium, live_server, tmp_path):
    """An installed app's browser: its own profile, storage that stays."""
    context = launch(chromium.browser_type, tmp_path / "profile")
    allow_storage(context, live_server.url)
    person = Interviewer(context, live_server.url, look="app")
    yield person
    context.close()
    assert person.complaints == []


def test_a_new_interviewer_installs_works_a_day_without_signal_and_mends_one(phone, world):
    phone.begin("zhao")
    one, two, three = world["cases"]
    phone.look("4-today")
    phone.cut()
    phone.page.reload()
    phone.unlock()
    phone.page.wait_for_selector("h1:has-text('今天 3 户')")

    phone.go_to("1 号楼 101 室")
    phone.look("5-door")
    phone.record("没人应门", "白天没人，晚上有灯")

    phone.go_to("2 号楼 202 室")
    phone.page.click("a:has-text('愿意参加')")
    phone.page.wait_for_selector("#label-0")
    phone.look("6-roster")
    phone.home()
    phone.go_to("2 号楼 202 室")
    phone.list_household(PEOPLE)
    phone.look("7-chosen")
    assert (
        phone.page.locator(".f-people .chosen")
        .text_content()
        .startswith(
            sorted(PEOPLE, key=lambda p: (p[1] != "male", -p[2]))[choose(two.selection_seed, 3) - 1][0]
        )
    )
    phone.page.click(".f-foot a:has-text('就访')")
    phone.page.wait_for_selector("canvas")
    phone.look("7b-consent")
    phone.page.go_back()
    phone.page.wait_for_selector(".f-chosen")
    phone.agree()
    phone.look("8-asking")
    phone.answer(stop="trust")
    phone.page.reload()  # the phone was put away in mid-interview
    phone.unlock()
    phone.page.wait_for_selector("h1:has-text('今天'), #mf-title")
    phone.home()
    phone.look("9-today-offline")
    phone.go_to("2 号楼 202 室")
    phone.page.click("text=接着问")
    assert phone.at() == "trust"
    phone.answer()
    phone.look("10-done")

    phone.home()
    phone.go_to("3 号楼 303 室")
    phone.list_household(PEOPLE[:1])
    phone.agree()
    phone.answer(age="50")
    phone.home()
    phone.look("11-today-evening")
    assert phone.counts()["drafts"] == 0
    assert not Response.objects.exists() and not Contact.objects.exists()

    phone.reconnect()
    phone.page.evaluate("minyiField.sync()")
    phone.wait_uploaded()
    phone.page.evaluate("location.hash = '#/sync'")
    phone.page.wait_for_selector("text=今天上传的")
    phone.look("12-sync")
    assert {row.state for row in SyncItem.objects.all()} == {"accepted"}
    assert Contact.objects.filter(case=one).count() == 1
    first, second = Response.objects.order_by("submitted_at")
    assert (first.case, second.case) == (two, three)
    assert first.interviewer == world["interviewer"]
    assert open_answers(second)["age"] == 50
    assert Attachment.objects.filter(item="consent_signature").count() == 2
    assert Device.objects.get().user == world["interviewer"]

    review_response(
        response=second,
        verdict="returned",
        comment="年龄请再核对",
        items=["age"],
        acting_user=world["supervisor"],
    )
    phone.page.evaluate("minyiField.sync()")
    phone.home()
    phone.page.wait_for_selector("text=年龄请再核对")
    phone.page.wait_for_selector(".f-row:has-text('1 号楼 101 室') .f-dots i.made")
    assert phone.page.locator(".f-row:has-text('1 号楼 101 室') .f-dots i.made").count() == 1
    phone.look("13-returned")
    phone.page.click("text=打开，改好再交")
    assert phone.at() == "age"
    phone.look("14-mending")
    phone.answer(age="51")
    phone.wait_uploaded()
    mended = Response.objects.counted().get(case=three)
    assert (open_answers(mended)["age"], mended.revision) == (51, 2)


def test_a_private_window_cannot_begin_work_and_says_why(chromium, live_server, world):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    page.goto(live_server.url + "/field/app/")
    page.wait_for_selector("h1:has-text('还不能开始工作')")
    assert "长期保存" in page.locator(".note-warning").text_content()
    context.close()


def test_an_update_waits_until_nothing_is_open_and_loses_no_draft(phone, world, monkeypatch):
    phone.begin("zhao")
    phone.go_to("2 号楼 202 室")
    phone.list_household(PEOPLE)
    phone.agree()
    phone.answer(stop="trust")
    phone.page.evaluate("window.before = true")
    files = app.precached()
    monkeypatch.setattr(app, "precached", lambda: files[:-1])  # another list is another version
    phone.page.evaluate("minyiField.worker.update()")
    phone.until("minyiField.worker.waiting !== null")
    phone.page.wait_for_timeout(500)
    assert phone.page.evaluate("window.before") is True  # in mid-interview nothing moves
    assert phone.at() == "trust"
    with phone.page.expect_navigation():
        phone.page.click("text=先停一停")
    phone.unlock()
    phone.until("minyiField.work !== null && minyiField.work.door")
    assert phone.page.evaluate("window.before") is None
    phone.until("!minyiField.worker || minyiField.worker.waiting === null")
    phone.home()
    phone.go_to("2 号楼 202 室")
    phone.page.click("text=接着问")
    assert phone.at() == "trust"
    phone.answer()
    phone.wait_uploaded()
    assert Response.objects.count() == 1


def test_a_lost_phone_forgets_what_is_readable_and_still_delivers(phone, world):
    phone.begin("zhao")
    phone.cut()
    phone.go_to("1 号楼 101 室")
    phone.record("没人应门")
    phone.go_to("2 号楼 202 室")
    phone.list_household(PEOPLE)
    lock_device(device=Device.objects.get(), acting_user=world["supervisor"])
    phone.reconnect()
    phone.page.evaluate("minyiField.sync()")
    phone.page.wait_for_selector("h1:has-text('这部手机被锁定了')")
    phone.look("15-locked")
    assert Contact.objects.count() == 1
    kept = phone.page.evaluate(
        """async () => {
          const user = await minyiField.directory.value('user');
          const base = await new Promise((done) => {
            const asked = indexedDB.open(`minyi-field-${user}`);
            asked.onsuccess = () => done(asked.result);
          });
          const count = (name) => new Promise((done) => {
            const asked = base.transaction(name).objectStore(name).getAll();
            asked.onsuccess = () => done(asked.result);
          });
          const meta = (await count('meta')).map((each) => each.id);
          return { wrap: meta.includes('wrap'), cases: (await count('cases')).length,
            drafts: (await count('drafts')).length };
        }"""
    )
    assert kept == {"wrap": False, "cases": 0, "drafts": 0}
    phone.page.reload()
    phone.page.wait_for_selector("h1:has-text('这部手机被锁定了')")


def test_a_wrong_pin_opens_nothing_and_training_never_leaves_the_phone(phone, world):
    phone.begin("zhao")
    phone.page.evaluate("location.hash = '#/sync'")
    phone.page.click("text=练习一下")
    phone.page.wait_for_selector("h1:has-text('今天 5 户')")
    phone.look("16-training")
    phone.go_to("桃源里 1-1-101")
    phone.list_household(PEOPLE)
    phone.agree()
    phone.answer()
    assert phone.counts()["waiting"] == 2
    phone.page.evaluate("minyiField.sync()")
    phone.page.evaluate("location.hash = '#/sync'")
    phone.page.click("text=结束练习")
    phone.page.wait_for_selector("h1:has-text('今天 3 户')")
    phone.page.evaluate("minyiField.sync()")
    phone.wait_uploaded()
    assert not SyncItem.objects.exists() and not Response.objects.exists()
    phone.page.reload()
    phone.unlock("314159")
    phone.page.wait_for_selector("text=PIN 不对")
    assert phone.page.evaluate("minyiField.work") is None
    phone.unlock()
    phone.page.wait_for_selector("h1:has-text('今天 3 户')")


def test_logging_out_waits_until_nothing_is_left_to_upload(phone, world):
    phone.begin("zhao")
    phone.cut()
    phone.go_to("1 号楼 101 室")
    phone.record("没人应门")
    phone.page.evaluate("location.hash = '#/sync'")
    phone.page.click("button:has-text('退出登录')")
    phone.page.wait_for_selector("text=还有没上传的，先传完再退出")
    phone.look("17-not-yet")
    assert phone.counts()["waiting"] == 1
    phone.reconnect()
    phone.page.evaluate("minyiField.sync()")
    phone.wait_uploaded()
    with phone.page.expect_navigation():
        phone.page.click("button:has-text('退出登录')")
    phone.page.wait_for_selector("text=三步就好")
    assert phone.page.locator("a.button:has-text('登录')").is_visible()  # nobody is logged in any more
    names = phone.page.evaluate("indexedDB.databases().then((all) => all.map((each) => each.name))")
    assert f"minyi-field-{world['interviewer'].pk}" not in names
    assert Contact.objects.count() == 1


EVERYTHING = """async () => {
  const text = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? new TextDecoder().decode(value) : value;
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => done(asked.result);
    });
    for (const store of base.objectStoreNames) {
      found.push(await new Promise((done) => {
        const asked = base.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => done(JSON.stringify(asked.result, (key, value) => text(value)));
      }));
    }
    base.close();
  }
  return found.join("\\n");
}"""


def test_a_colleague_uploads_what_she_cannot_read_and_then_gets_the_phone(phone, world):
    qian = factories.make_user(
        "qian", "interviewer", world["cases"][0].community.parent.parent, display_name="钱小红"
    )
    phone.begin("zhao")
    phone.cut()
    phone.go_to("2 号楼 202 室")
    phone.list_household(PEOPLE)
    phone.agree()
    phone.answer()
    phone.home()
    phone.go_to("1 号楼 101 室")
    phone.record("没人应门", "晚上有灯")
    phone.context.clear_cookies()  # Zhao is ill; her log-in is over
    phone.reconnect()
    phone.page.reload()
    phone.page.click("text=忘了 PIN，或不是您的手机")
    phone.page.click("text=上传 3 条（不用 PIN）")  # signature, interview, visit
    phone.page.wait_for_selector("text=要先登录才能上传")
    phone.look("18-not-mine")
    phone.page.click("a.button:has-text('登录')")
    phone.log_in("qian")
    phone.page.click("text=忘了 PIN，或不是您的手机")
    kept = phone.page.evaluate(EVERYTHING)
    assert "minyi-field" in str(phone.page.evaluate("indexedDB.databases()")) and '"wrap"' in kept
    for secret in ("楼下的路灯坏了", "王先生", "晚上有灯", "1 号楼"):
        assert secret not in kept
    phone.page.click("text=上传 3 条（不用 PIN）")
    phone.page.wait_for_selector("text=没有要上传的")
    response = Response.objects.get()
    assert (response.interviewer, response.case) == (world["interviewer"], world["cases"][1])
    assert {(row.uploaded_by, row.state) for row in SyncItem.objects.all()} == {(qian, "accepted")}
    assert Contact.objects.get(disposition="2.24").by_user == world["interviewer"]
    phone.look("19-carried")
    with phone.page.expect_navigation():
        phone.page.click("text=重新设置这部手机")
    phone.page.wait_for_selector("text=钱小红，您好")
    phone.set_pin()
    phone.page.wait_for_selector("text=今天没有要上门的户")
    phone.ready()
    phone.wait_uploaded()
    assert Device.objects.get(user=qian).pk != Device.objects.get(user=world["interviewer"]).pk


def test_a_household_that_answered_on_the_web_meanwhile_is_settled_by_its_buttons(phone, world):
    one, two, _three = world["cases"]
    letters = [write_letter(case)[0] for case in (one, two)]
    phone.begin("zhao")
    phone.cut()
    phone.go_to("1 号楼 101 室")
    phone.record("没人应门")
    phone.go_to("2 号楼 202 室")
    phone.list_household(PEOPLE)
    phone.agree()
    phone.answer()
    for letter in letters:
        assert Resident().get_ready(letter).submit().status_code == 201
    phone.reconnect()
    phone.page.evaluate("minyiField.sync()")
    phone.wait_uploaded()
    phone.page.evaluate("location.hash = '#/sync'")
    phone.page.wait_for_selector("text=还有 2 户要您看一下")
    phone.look("20-conflicts")
    first = phone.page.locator(".a-look", has_text="1 号楼 101 室")
    assert "您记的是“没人应门”" in first.text_content() and "网上交的完整答卷" in first.text_content()
    first.get_by_role("button", name="以答卷为准").click()
    phone.page.wait_for_selector("text=还有 1 户要您看一下")
    second = phone.page.locator(".a-look", has_text="2 号楼 202 室")
    second.get_by_role("button", name="两条都留，说明").click()
    phone.page.wait_for_selector("text=请先在上面写一句说明")
    second.get_by_label("说明", exact=True).fill("网上是儿子替他答的，我访的是本人")
    second.get_by_role("button", name="两条都留，说明").click()
    second.wait_for(state="detached")
    phone.wait_uploaded()
    phone.page.evaluate("minyiField.sync()")  # the results come again; what was settled stays so
    phone.wait_uploaded()
    phone.page.wait_for_selector("text=没有要上传的")
    assert phone.page.locator(".a-look").count() == 0
    web, door = Response.objects.filter(case=two).order_by("received_at")
    assert (web.mode, web.state, door.mode, door.state) == ("web", "accepted", "door", "rejected")
    assert open_answers(door)["remark"] == "楼下的路灯坏了"  # kept whole
    assert Flag.objects.get(kind="two_completes").response == door
    remark = Contact.objects.get(detail__remark_on=str(door.client_id))
    assert decrypt(remark.note_cipher, NOTE_PURPOSE) == "网上是儿子替他答的，我访的是本人"
    assert Contact.objects.filter(case=one, disposition="2.24").count() == 1
    for case in (one, two):
        case.refresh_from_db()
        assert case.status == "completed"
    phone.look("21-settled")
