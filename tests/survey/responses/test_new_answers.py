"""Handing in the newer kinds of answers: regions that exist, pictures that arrived, orders, quotas."""

import copy
import hashlib
import uuid

import pytest

from survey.audit.services import RESIDENT, SYSTEM
from survey.common.clock import now
from survey.common.errors import Problem
from survey.questionnaires.document import expression
from survey.questionnaires.ordering import orders_of
from survey.responses.models import Attachment, Consent, Flag, QuotaCount, Respondent, Response
from survey.responses.services import accept_response, content_hash, open_answers, withdraw_response
from survey.studies.services import pin_round
from tests.residents import ANSWERS, Phone, make_open_round, make_version, small_document, write_letter
from tests.survey.responses.test_attachments import picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def document(**changes) -> dict:
    made = copy.deepcopy(small_document())
    made["format"], made["name"] = "minyi-questionnaire/2", "newer"
    items = made["blocks"][0]["items"]
    label = {"zh-hans": "您住在哪个街道？", "en": "Where do you live?"}
    items.append(
        {
            "name": "home",
            "type": "region",
            "label": label,
            "root": "370100000000",
            "levels": ["district", "street"],
        }
    )
    items.append({"name": "door", "type": "photo", "label": {"zh-hans": "拍一张", "en": "A photo"}})
    items[1]["order"] = {"random": True}
    return {**made, **changes}


@pytest.fixture
def phone(regions):
    round_ = make_open_round(regions["370105000000"], questionnaire_version=make_version(document()))
    return Phone().get_ready(write_letter(round_.cases.order_by("number").first())[0])


def test_a_region_must_exist_at_the_level_that_was_asked_for(phone):
    for wrong in ("370105999000", "370105001001"):
        reply = phone.submit({**ANSWERS, "home": wrong})
        assert reply.status_code == 422 and reply.json()["errors"][0]["item"] == "home"
    assert phone.submit({**ANSWERS, "home": "370105001000"}).status_code == 201
    assert Response.objects.get().answers["home"] == "370105001000"


def test_a_photo_joins_the_answer_that_names_it_and_one_that_is_missing_is_asked_for(phone):
    content, name = picture(), uuid.uuid4()
    answer = {"id": str(name), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    early = phone.submit({**ANSWERS, "door": answer})
    assert early.status_code == 409 and not Response.objects.exists()
    assert upload(phone, content, id=name, item="door").status_code == 201
    assert phone.submit({**ANSWERS, "door": answer}).status_code == 201
    response = Response.objects.get()
    assert Attachment.objects.get().response == response
    assert "door" not in response.answers and open_answers(response)["door"] == answer
    assert "已附照片" in phone.http.get(phone.home + "mine").content.decode()


def test_another_order_than_the_rules_is_kept_and_flagged(phone):
    right = orders_of(document(), phone.client_id)["Q02"]
    phone.submit(paradata={"orders": {"Q02": right}})
    assert Response.objects.get().paradata["orders"] == {"Q02": right} and not Flag.objects.exists()
    withdraw_response(response=Response.objects.get(), reason="再答一次", acting_user=SYSTEM)
    phone.client_id = str(uuid.uuid4())
    wrong = list(reversed(orders_of(document(), phone.client_id)["Q02"]))
    phone.land(phone.tap("consent"))
    assert phone.submit(paradata={"orders": {"Q02": wrong}}).status_code == 201
    assert [(flag.kind, flag.evidence) for flag in Flag.objects.all()] == [
        ("another_order", {"lists": ["Q02"]})
    ]


QUOTAS = [
    {"name": "women", "label": {"zh-hans": "女"}, "where": expression("${sex} = 2"), "limit": 2},
    {"name": "all", "label": {"zh-hans": "全部"}, "where": expression("true()"), "limit": 3},
]


def volunteer(round_, **answers):
    respondent = Respondent.objects.create(round=round_, channel="browser", device_hash=uuid.uuid4().hex)
    consent = Consent.objects.create(
        round=round_,
        respondent=respondent,
        text=round_.consent_text,
        language="zh-hans",
        mode="web",
        given_at=now(),
    )
    given = {**ANSWERS, **answers}
    response, _created = accept_response(
        client_id=uuid.uuid4(),
        respondent=respondent,
        case=None,
        consent=consent,
        answers=given,
        language="zh-hans",
        mode="web",
        paradata={},
        submitted_at=now(),
        selected_person=None,
        acting_user=RESIDENT,
        raw_hash=content_hash(answers=given, language="zh-hans", document_hash=""),
    )
    return response


def test_quotas_of_volunteers_are_exact_and_a_withdrawal_makes_room(regions):
    round_ = make_open_round(regions["370105000000"])
    round_.questionnaire_version = make_version(document(quotas=QUOTAS))  # no draw takes quotas
    round_.save()
    first = volunteer(round_, sex=2)
    volunteer(round_, sex=2)
    with pytest.raises(Problem) as full:
        volunteer(round_, sex=2)
    assert full.value.code == "responses.quota_closed" and Response.objects.count() == 2
    volunteer(round_, sex=1)
    with pytest.raises(Problem):
        volunteer(round_, sex=1)
    taken = dict(QuotaCount.objects.values_list("name", "taken"))
    assert taken == {"women": 2, "all": 3}, "a refused answer counts nowhere"
    withdraw_response(response=first, reason="撤回", acting_user=SYSTEM)
    assert dict(QuotaCount.objects.values_list("name", "taken")) == {"women": 1, "all": 2}
    volunteer(round_, sex=2)


def test_a_drawn_sample_takes_no_questionnaire_with_quotas(regions, lead):
    round_ = make_open_round(regions["370105000000"])
    round_.state = "draft"
    round_.save()
    with pytest.raises(Problem) as refused:
        pin_round(
            round=round_,
            questionnaire_version=make_version(document(quotas=QUOTAS)),
            indicator_versions=[],
            consent_text=round_.consent_text,
            modes=["web"],
            acting_user=lead,
        )
    assert "配额" in refused.value.message
