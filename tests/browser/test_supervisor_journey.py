"""A supervisor's day: sees it all, settles a doubt, returns an interview, checks back, closes the field."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from survey.audit.services import SYSTEM
from survey.common.clock import now, today
from survey.contacts.services import record_contact
from survey.fieldwork.models import BackCheck, FieldOutcome, Review
from survey.fieldwork.services import assign_cases, keep_phone
from survey.fieldwork.services.raising import raise_doubts
from survey.responses.models import DataRequest, Flag, Response
from tests import factories
from tests.residents import make_open_round

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def field(transactional_db, settings, tmp_path):
    """48 households; three interviewers brought 24 interviews, one of them with a single telephone."""
    settings.MEDIA_ROOT = tmp_path / "media"
    regions = factories.make_regions()
    district = regions["370105000000"]
    sun = factories.make_user("sun", "supervisor", district, display_name="孙督导")
    team = [
        factories.make_user(name, "interviewer", district, display_name=shown)
        for name, shown in (("zhao", "赵铁柱"), ("qian", "钱小红"), ("zhou", "周建国"))
    ]
    round_ = make_open_round(district, take=12, households=40, closes_on=today() + timedelta(days=14))
    cases = list(round_.cases.order_by("number"))
    for k, who in enumerate(team):
        assign_cases(cases=cases[k:36:3], interviewer=who, acting_user=sun)
    factories.make_responses(
        round_, lambda i, case: {"Q01": 1 + i % 5, "trust": i % 11, "sex": 1 + i % 2} if i < 24 else None
    )
    for i, response in enumerate(Response.objects.order_by("case__number")):
        who = team[i % 3]
        response.mode, response.interviewer, response.path = "door", who, ["Q01", "trust", "sex"]
        response.submitted_at = now() - timedelta(hours=60 - 2 * i)
        response.paradata = {
            "started_at": (
                response.submitted_at - timedelta(minutes=3 if i % 6 == 1 else 8 + i % 5)
            ).isoformat(),
            "items": {"Q01": {"s": 200.0}, "trust": {"s": 250.0}},
            "present": ["family", "grid_worker"] if i == 3 else [],
        }
        response.save()
        at = response.submitted_at
        record_contact(case=response.case, mode="door", at=at, disposition="1.1", acting_user=who)
        keep_phone(
            case=response.case, phone="13900000000" if who == team[2] else f"1380000{i:04d}", acting_user=who
        )
    for case, code in zip(
        cases[24:33], ["2.24", "2.111", "2.20", "4.61", "2.24", "3.90", "2.32", "2.24", "2.25"], strict=True
    ):
        record_contact(
            case=case, mode="door", at=now() - timedelta(days=4), disposition=code, acting_user=team[0]
        )
    raise_doubts(round=round_, acting_user=SYSTEM)
    Flag.objects.create(
        round=round_, case=cases[3], kind="official_present", response=Response.objects.get(case=cases[3])
    )
    DataRequest.objects.create(
        round=round_, case=cases[0], kind="access", received_at=now(), due_on=today() + timedelta(days=15)
    )
    return round_


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "light"), (1280, "dark")])
def test_a_supervisor_sees_it_all_and_closes_the_field(walk, field, width, scheme):
    walker = walk(f"supervisor-{width}-{scheme}", width=width, color_scheme=scheme)
    page = walker.page
    page.goto(f"/console/rounds/{field.pk}/fieldwork/")
    page.get_by_label("用户名").fill("sun")
    page.get_by_label("密码").fill("sun-password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="收卷进度")).to_be_visible()
    expect(page.get_by_text("访员 周建国：8 户留了同一个电话")).to_be_visible()
    walker.look("01-board")

    page.get_by_label("怎么核实的").fill("按信上的电话回拨，户主本人")
    page.get_by_role("button", name="核实是本人，已告知").click()
    expect(page.get_by_text("办好了，已经留痕。")).to_be_visible()

    tabs = page.get_by_role("navigation", name="入户的各页")
    tabs.get_by_role("link", name="访员").click()
    walker.look("02-people")
    page.get_by_role("button", name="派没派的户").click()
    expect(page.get_by_text("派了 12 户，路线排好了。")).to_be_visible()

    tabs.get_by_role("link", name="疑点").click()
    walker.look("03-doubts")
    doubt = page.locator(".doubt", has_text="留了同一个电话")
    doubt.get_by_label("结论").select_option("confirmed")
    doubt.get_by_label("查到了什么，怎么处理").fill("号码是访员自己的，全部回访")
    doubt.get_by_role("button", name="记结论").click()
    expect(page.get_by_text("结论记下了。")).to_be_visible()

    tabs.get_by_role("link", name="审核").click()
    walker.look("04-interviews")
    page.get_by_role("main").get_by_role("link", name="号户").first.click()
    page.get_by_label("写给访员的话").fill("第一题请和住户再核对一次")
    walker.look("05-interview")
    page.get_by_role("button", name="退回修改").click()
    expect(page.get_by_text("退回给访员了")).to_be_visible()
    assert Review.objects.waiting().count() == 1

    tabs.get_by_role("link", name="回访").click()
    page.get_by_role("button", name="按规则抽").click()
    expect(page.get_by_text("户，种子已经留痕。")).to_be_visible()
    walker.look("06-backchecks")
    page.get_by_role("main").get_by_role("link", name="号户").first.click()
    page.get_by_label("电话").check()
    page.get_by_label("联系上了", exact=True).check()
    for said in ("有人来访问过", "答题的就是抽中的那位", "题目都念给他听了"):
        page.get_by_label(said).check()
    page.get_by_label("重问了几道题").fill("3")
    page.get_by_label("其中几道和上次一样").fill("3")
    walker.look("07-backcheck")
    page.get_by_role("button", name="记下结果").click()
    expect(page.get_by_text("回访结果记下了。")).to_be_visible()
    assert BackCheck.objects.get(outcome="confirmed").findings["agreed"] == 3

    tabs.get_by_role("link", name="规则").click()
    walker.look("08-rules")
    tabs.get_by_role("link", name="访员").click()
    page.get_by_label("户号").fill(field.cases.order_by("number")[25].number)
    page.get_by_role("button", name="去看").click()
    expect(page.get_by_text("拒绝")).to_be_visible()
    walker.look("09-door")

    page.goto(f"/console/rounds/{field.pk}/close/")
    page.get_by_label("我知道结束以后").check()
    page.get_by_role("button", name="结束收卷").click()
    expect(page.get_by_role("heading", name="收卷结束时的结果")).to_be_visible()
    walker.look("10-closed")
    outcome = FieldOutcome.objects.get().outcome
    assert outcome["counts"]["I"] == 24 and outcome["rates"]["RR1"] == pytest.approx(24 / 47)
