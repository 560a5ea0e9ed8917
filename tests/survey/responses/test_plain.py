"""The questionnaire without scripts: the same questions, the same rules, the same one response."""

import json
import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from survey.responses.models import Attachment, Response
from tests.residents import Phone, make_open_round, make_version, write_letter
from tests.survey.questionnaires.forms import document, item
from tests.survey.responses.test_attachments import picture

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def read_kept(page: str) -> dict:
    return json.loads(unescape(re.search(r'name="kept" value="([^"]*)"', page)[1]))


def step(phone, page: str, **answers):
    """Fill in what is shown and tap 下一页."""
    hidden = {
        name: unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])
        for name in ("form_token", "kept", "page")
    }
    return phone.post(phone.home + "plain", {**hidden, **answers})


def start(phone) -> str:
    return phone.http.get(phone.home + "plain").content.decode()


def test_the_page_of_form_js_leads_here_where_scripts_do_not_run(phone):
    assert f'href="{phone.home}plain"' in phone.http.get(phone.home + "form").content.decode()


def test_a_resident_answers_block_by_block_and_arrives_at_the_same_response(phone):
    page = start(phone)
    assert "您对小区的环境满意吗" in page and "哪几样最该先办" not in page, "its condition is not known yet"
    page = step(phone, page, Q01="2").content.decode()
    assert "哪几样最该先办" in page
    page = step(phone, page, Q02=["1", "3"], trust="7", remark="楼下的路灯坏了").content.decode()
    reply = step(phone, page, sex="2", age="４３")
    assert reply.status_code == 302 and reply["Location"] == phone.home + "thanks"
    response = Response.objects.get()
    assert response.answers == {"Q01": 2, "Q02": [1, 3], "trust": 7, "sex": 2, "age": 43}
    assert response.open_text_cipher and response.paradata == {"plain": True}


def test_a_skipped_question_is_not_asked(phone):
    page = step(phone, start(phone), Q01="1").content.decode()
    assert "哪几样最该先办" not in page and "您打几分" in page


def test_what_is_missing_is_marked_and_nothing_typed_is_lost(phone):
    page = step(phone, step(phone, start(phone), Q01="1").content.decode(), remark="写了一半")
    assert page.status_code == 422
    html = page.content.decode()
    assert "这题还没答" in html and "写了一半" in html
    assert not Response.objects.exists()


def test_going_back_keeps_the_answers(phone):
    page = step(phone, start(phone), Q01="2").content.decode()
    back = step(phone, page, Q02="2", back="1").content.decode()
    assert re.search(r'name="Q01" value="2" checked', back)
    assert read_kept(back)["answers"]["Q02"] == ["2"]


def test_sending_the_last_page_twice_is_one_response(phone):
    page = step(phone, start(phone), Q01="1").content.decode()
    page = step(phone, page, trust="7").content.decode()
    first = step(phone, page, sex="2", age="43")
    again = step(phone, page, sex="2", age="43")
    assert first.status_code == again.status_code == 302
    assert first["Location"] == again["Location"] and Response.objects.count() == 1


def test_dont_know_of_a_written_answer_has_its_own_buttons(phone):
    page = step(phone, start(phone), Q01="1").content.decode()
    page = step(phone, page, trust="-1").content.decode()
    assert step(phone, page, sex="-2", age__missing="-2").status_code == 302
    assert Response.objects.get().answers == {"Q01": 1, "trust": -1, "sex": -2, "age": -2}


@pytest.mark.parametrize(
    "kept",
    ["", "[]", "{}", '{"id": 1, "answers": {}, "document": "x"}', "[" * 50_000, '{"answers": '],
    ids=str,
)
def test_a_form_that_was_tampered_with_gets_a_sentence(phone, kept):
    token = phone.token("plain")
    reply = phone.post(phone.home + "plain", {"form_token": token, "kept": kept, "page": "0"})
    assert reply.status_code == 400 and "重新答" in reply.content.decode()


@pytest.mark.parametrize("number", ["", "-1", "99", "x", "²"])
def test_a_page_that_does_not_exist_gets_a_sentence(phone, number):
    hidden = read_kept(start(phone))
    data = {"form_token": phone.token("plain"), "kept": json.dumps(hidden), "page": number}
    assert phone.post(phone.home + "plain", data).status_code == 400


def test_what_the_form_carries_cannot_break_out_of_it(phone):
    page = start(phone)
    kept = read_kept(page)
    kept["answers"]["remark"] = '"><script>alert(1)</script>'
    html = phone.post(
        phone.home + "plain",
        {"form_token": phone.token("plain"), "kept": json.dumps(kept), "page": "0", "Q01": "1"},
    ).content.decode()
    assert "<script>alert" not in html


@pytest.fixture
def with_photo(regions):
    """A phone before one question: a photo, and a word about it."""
    asked = document(item("f", "photo", required=True, missing="skip"), item("about", "text"))
    round_ = make_open_round(regions["370105000000"], questionnaire_version=make_version(asked))
    return Phone().get_ready(write_letter(round_.cases.order_by("number").first())[0])


def test_a_photo_comes_as_a_plain_file_and_once_only(with_photo):
    phone = with_photo
    html = start(phone)
    assert 'type="file"' in html and 'enctype="multipart/form-data"' in html
    photo = picture(size=(4000, 3000), quality=95)
    twice = [
        step(phone, html, f=SimpleUploadedFile("a.jpg", photo, "image/jpeg"), about="路灯") for _ in range(2)
    ]
    assert [reply.status_code for reply in twice] == [302, 302]
    response = Response.objects.get()
    assert Attachment.objects.get().response == response
    assert "f" in response.path


def test_what_is_no_photo_is_said_beside_the_question_and_nothing_typed_is_lost(with_photo):
    phone = with_photo
    page = step(phone, start(phone), f=SimpleUploadedFile("a.jpg", b"no picture"), about="路灯")
    assert page.status_code == 422
    html = page.content.decode()
    assert "这个文件不是照片" in html and "路灯" in html and 'id="e-f"' in html
    assert step(phone, html, f__missing="-2").status_code == 302
    assert not Attachment.objects.exists()
