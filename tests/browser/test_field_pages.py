"""The pages for who has a signal and no app: a visit with a picture, a number after the interview."""

import uuid

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from survey.common.clock import now
from survey.fieldwork.models import CallbackPhone, VisitPhoto
from survey.fieldwork.services import assign_cases, give_door_consent, list_and_choose, submit_interview
from tests import factories
from tests.residents import ANSWERS, make_open_round

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db):
    """Two doors of one interviewer; at the second an interview was just done."""
    district = factories.make_regions()["370105000000"]
    sun = factories.make_user("sun", "supervisor", district, display_name="孙督导")
    zhao = factories.make_user("zhao", "interviewer", district, display_name="赵敏")
    round_ = make_open_round(district)
    visited, answered = list(round_.cases.order_by("number"))[:2]
    assign_cases(cases=[visited, answered], interviewer=zhao, acting_user=sun)
    list_and_choose(case=answered, members=[{"label": "王先生", "sex": "male", "age": 43}], acting_user=zhao)
    give_door_consent(case=answered, language="zh-hans", acting_user=zhao)
    response, _created = submit_interview(
        case=answered,
        client_id=uuid.uuid4(),
        answers=ANSWERS,
        language="zh-hans",
        document_hash=round_.questionnaire_version.document_hash,
        paradata={},
        submitted_at=now(),
        present=[],
        acting_user=zhao,
    )
    return {"round": round_, "visited": visited, "answered": answered, "response": response}


def log_in(walker, name, path):
    walker.page.goto(path)
    walker.page.get_by_label("用户名").fill(name)
    walker.page.get_by_label("密码").fill(f"{name}-password")
    walker.page.get_by_role("button", name="登录").click()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_visit_with_a_picture_and_a_number_after_the_interview(walk, world, tmp_path, width):
    picture = tmp_path / "door.jpg"
    shades = np.random.default_rng(1).integers(0, 256, (8, 9), dtype=np.uint8)
    Image.fromarray(shades).resize((900, 800)).convert("RGB").save(picture)
    walker = walk(f"field-pages-{width}", width=width)
    page = walker.page
    log_in(walker, "zhao", f"/field/cases/{world['visited'].opaque_id}/")
    page.get_by_role("link", name="没人应门").click()
    page.get_by_label("门牌照片（可不拍）").set_input_files(picture)
    walker.look("1-visit")
    page.get_by_role("button", name="记下来").click()
    expect(page.get_by_text("记下了：")).to_be_visible()
    walker.look("2-today")
    assert VisitPhoto.objects.get().case == world["visited"]

    page.goto(f"/field/done/{world['response'].pk}/")
    expect(page.get_by_role("heading", name="可以留一个电话吗")).to_be_visible()
    walker.look("3-done")
    page.get_by_label("电话号码").fill("12")
    page.get_by_role("button", name="对方愿意，记下").click()
    expect(page.get_by_text("7 到 15 位数字")).to_be_visible()
    walker.look("4-wrong")
    page.get_by_label("电话号码").fill("0531-8888 0001")
    page.get_by_role("button", name="对方愿意，记下").click()
    expect(page.get_by_text("电话记下了，谢谢这一家")).to_be_visible()
    assert CallbackPhone.objects.get().case == world["answered"]

    desk = walk(f"field-pages-{width}", width=width)
    log_in(desk, "sun", f"/console/rounds/{world['round'].pk}/field/doors/{world['visited'].opaque_id}/")
    desk.look("5-door")
    desk.page.get_by_role("link", name="上门时拍的").click()
    shown = desk.page.get_by_role("img", name="号户的门牌")
    expect(shown).to_be_visible()
    assert shown.evaluate("(picture) => picture.naturalWidth") == 900
    desk.look("6-picture")
