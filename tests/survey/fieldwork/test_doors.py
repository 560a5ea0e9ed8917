"""An interviewer's day: his doors and nobody else's, visits, the list, the choice, the interview."""

import json
import uuid
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.contacts.household import choose
from survey.contacts.models import Contact, HouseholdRoster, SelectedPerson
from survey.contacts.services import issue_codes, prepare_letters
from survey.fieldwork.door import PRESENT, RESULTS
from survey.fieldwork.services import OFFICIAL_PRESENT, ROSTER_CHANGED, assign_cases
from survey.responses.models import Consent, Flag, Respondent, Response
from survey.responses.outcomes import outcome_counts
from survey.responses.retention import destroy_contact_data
from survey.sampling.models import Case
from survey.studies.models import Round
from tests import factories
from tests.residents import ANSWERS, Phone
from tests.survey.fieldwork.conftest import MEMBERS

pytestmark = [pytest.mark.django_db, pytest.mark.database]


# --- which doors --------------------------------------------------------------------------------------
def test_the_day_lists_my_cases_with_addresses_and_nobody_elses(field, cases, round_):
    page = field.client.get(reverse("fieldwork:today")).content.decode()
    mine = {str(case.opaque_id) for case in cases}
    for case in round_.cases.all():
        assert (str(case.opaque_id) in page) == (str(case.opaque_id) in mine)
    assert "今天 3 户" in page
    assert "济洛路社区" in page
    listed = field.client.get(reverse("fieldwork:cases_json")).json()["cases"]
    assert {row["id"] for row in listed} == mine
    assert all("号楼" in row["address"] for row in listed)


def case_addresses(case):
    return [
        (name, reverse(f"fieldwork:{name}", args=[case.opaque_id]))
        for name in ("door", "visit", "roster", "consent", "form")
    ]


def test_another_interviewer_reaches_none_of_my_doors(field, case, other_interviewer):
    field.client.force_login(other_interviewer)
    for _name, address in case_addresses(case):
        assert field.client.get(address).status_code == 403
    for name in ("visit", "roster", "consent", "submit"):
        body = field.body(document="x", members=MEMBERS, result="no_answer")
        reply = field.send(name, case, body)
        assert (reply.status_code, reply.json()["code"]) == (403, "fieldwork.not_assigned")
    assert not Contact.objects.exists()
    assert "没有要上门的户" in field.client.get(reverse("fieldwork:today")).content.decode()


@pytest.mark.parametrize("role", ["official", "analyst", "study_lead", "supervisor"])
def test_nobody_but_an_interviewer_has_doors(field, case, regions, role):
    user = factories.make_user(f"a-{role}", role, regions["370105000000"])
    field.client.force_login(user)
    for name in ("today", "appointments", "cases_json"):
        assert field.client.get(reverse(f"fieldwork:{name}")).status_code == 403
    for _name, address in case_addresses(case):
        assert field.client.get(address).status_code == 403


def test_a_stranger_is_sent_to_the_log_in(case):
    for _name, address in case_addresses(case):
        assert Client().get(address).status_code == 302


def test_doors_vanish_when_the_round_closes_or_the_case_goes_into_other_hands(
    field, cases, round_, other_interviewer, supervisor
):
    assign_cases(cases=cases[:1], interviewer=other_interviewer, acting_user=supervisor)
    listed = field.client.get(reverse("fieldwork:cases_json")).json()["cases"]
    assert {row["id"] for row in listed} == {str(case.opaque_id) for case in cases[1:]}
    Round.objects.filter(pk=round_.pk).update(state=Round.State.CLOSED)
    assert field.client.get(reverse("fieldwork:cases_json")).json()["cases"] == []


# --- visits -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("result", RESULTS, ids=lambda r: r.key)
def test_every_button_of_the_door_page_records_its_code(field, case, result):
    appointment = (now() + timedelta(days=1)).isoformat() if result.asks_time else ""
    reply = field.send("visit", case, {"result": result.key, "appointment": appointment})
    assert reply.status_code == 201
    contact = Contact.objects.get(mode="door")
    assert (contact.disposition, contact.detail["result"]) == (result.disposition, result.key)
    expected = {"2.111": "refused", "2.112": "refused", "2.12": "refused", "4.61": "ineligible"}
    expected |= {"4.51": "ineligible", "3.18": "unknown", "3.90": "unknown", "2.32": "unable"}
    assert reply.json()["status"] == expected.get(result.disposition, "waiting")


def test_a_visit_keeps_who_was_there_and_an_encrypted_note_and_shows_them_at_the_door(field, case):
    form = {"result": "no_answer", "present": ["grid_worker"], "note": "晚上有灯"}
    reply = field.client.post(field.url("visit", case), form)
    assert reply.status_code == 302
    contact = Contact.objects.get(mode="door")
    assert contact.detail["present"] == ["grid_worker"]
    assert "晚上有灯".encode() not in bytes(contact.note_cipher)
    page = field.client.get(field.url("door", case)).content.decode()
    assert "没人应门" in page
    assert "晚上有灯" in page
    assert "上过 1 次门" in page


def test_an_appointment_is_listed_until_the_next_visit(field, case):
    tomorrow = now() + timedelta(days=1)
    field.send("visit", case, {"result": "appointment", "appointment": tomorrow.isoformat()})
    assert str(case.opaque_id) in field.client.get(reverse("fieldwork:appointments")).content.decode()
    field.send("visit", case, {"result": "no_answer"})
    assert str(case.opaque_id) not in field.client.get(reverse("fieldwork:appointments")).content.decode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "请选一项结果"),
        ({"disposition": "9.99"}, "9.99"),
        ({"disposition": "3.19"}, "3.19"),  # a letter's code is no door's code
        ({"result": "no_answer", "present": ["mayor"]}, "在场的人"),
        ({"result": "no_answer", "present": "cadre"}, "列表"),
        ({"result": "appointment"}, "约好的时间"),
        ({"result": "no_answer", "at": "2126-01-01T00:00:00Z"}, "比现在还晚"),
        ({"result": "no_answer", "at": "yesterday"}, "不是时间"),
        ({"result": "appointment", "appointment": "2020-01-01T00:00:00Z"}, "以后"),
        ({"result": ["no_answer"]}, "应当是文字"),
    ],
)
def test_a_visit_that_makes_no_sense_is_refused_in_words(field, case, body, words):
    reply = field.send("visit", case, body)
    assert reply.status_code == 400
    assert words in reply.json()["detail"]
    assert not Contact.objects.filter(mode="door").exists()


@pytest.mark.parametrize(
    ("result", "found"),
    [({"result": "not_found"}, "UH"), ({"disposition": "3.17"}, "UH"), ({"result": "unsure"}, "UO")],
)
def test_what_is_not_known_of_a_door_is_counted_as_the_visit_says(field, case, round_, result, found):
    before = outcome_counts(round_)
    assert field.send("visit", case, result).status_code == 201
    after = outcome_counts(round_)
    assert (after["UH"], after.get("UO", 0)) == (before["UH"] - (found == "UO"), int(found == "UO"))


def test_a_refused_form_shows_what_was_typed_again(field, case):
    reply = field.client.post(field.url("visit", case), {"disposition": "", "note": "白天没人"})
    assert reply.status_code == 400
    assert "请选一项结果" in reply.content.decode()
    assert "白天没人" in reply.content.decode()


def test_the_door_offers_what_concerns_the_chosen_adult_only_once_there_is_one(field, case):
    assert "选中的人不在家" not in field.client.get(field.url("door", case)).content.decode()
    field.send("roster", case, {"members": MEMBERS})
    page = field.client.get(field.url("door", case)).content.decode()
    assert "选中的人不在家" in page
    assert "接着访选中的人" in page


def test_pages_of_a_simulated_round_say_so(field, case, round_):
    Round.objects.filter(pk=round_.pk).update(is_simulated=True)
    field.ready(case)
    for address in [reverse("fieldwork:today"), *(address for _name, address in case_addresses(case))]:
        assert "模拟数据" in field.client.get(address).content.decode()


# --- the list and the choice --------------------------------------------------------------------------
def test_the_choice_follows_from_the_seed_and_cannot_be_made_again(field, case):
    reply = field.send("roster", case, {"members": MEMBERS}).json()
    assert [m["label"] for m in reply["members"]] == ["王先生", "小王", "李女士"]
    assert reply["chosen_index"] == choose(case.selection_seed, 3)
    assert reply["probability"] == pytest.approx(1 / 3)
    again = field.send("roster", case, {"members": list(reversed(MEMBERS))}).json()
    assert again == reply
    other = field.send("roster", case, {"members": MEMBERS[:2]})
    assert (other.status_code, other.json()["code"]) == (409, "fieldwork.roster_locked")
    person = SelectedPerson.objects.get()
    assert (person.method, person.is_quasi_random) == ("uniform", False)
    assert "王先生".encode() not in bytes(HouseholdRoster.objects.get().members_cipher)


def test_the_page_shows_the_choice_and_offers_no_other(field, case):
    form = {}
    for place, member in enumerate(MEMBERS):
        form |= {f"{name}-{place}": member[name] for name in ("label", "sex", "age")}
    assert field.client.post(field.url("roster", case), form).status_code == 302
    page = field.client.get(field.url("roster", case)).content.decode()
    chosen = sorted(MEMBERS, key=lambda m: (m["sex"] == "female", -m["age"]))[
        choose(case.selection_seed, 3) - 1
    ]
    assert f"{chosen['label']}，{chosen['age']} 岁" in page
    assert "1/3" in page
    assert "<input" not in page.split("</form>")[-1]


def test_a_corrected_list_is_a_new_flagged_version_with_a_reason(field, case):
    field.send("roster", case, {"members": MEMBERS})
    more = [*MEMBERS, {"label": "小李", "sex": "female", "age": 36}]
    reply = field.send("roster", case, {"members": more, "reason": "漏了儿媳妇"})
    assert (reply.status_code, reply.json()["n_eligible"]) == (200, 4)
    first, second = HouseholdRoster.objects.order_by("number")
    assert (first.changed_after_choice, second.changed_after_choice) == (False, True)
    assert second.change_reason == "漏了儿媳妇"
    assert Flag.objects.get().kind == ROSTER_CHANGED
    entry = AuditEntry.objects.get(action="contacts.roster.edited")
    assert entry.detail["changed_after_choice"] is True
    assert SelectedPerson.objects.count() == 2
    refused = field.client.post(field.url("roster", case), {"correct": "1", "reason": " "})
    assert refused.status_code == 400


def test_a_line_of_the_list_that_cannot_stand_is_named(field, case):
    reply = field.send("roster", case, {"members": [MEMBERS[0], {"label": "小王", "sex": "male", "age": 12}]})
    assert reply.status_code == 400
    assert "第 2 位" in reply.json()["detail"]
    assert reply.json()["errors"][0]["row"] == 2
    assert field.send("roster", case, {"members": ["王"]}).status_code == 400
    assert field.send("roster", case, {"members": []}).status_code == 400


def test_adding_a_line_keeps_what_was_typed_and_locks_nothing(field, case):
    form = {"label-0": "王先生", "sex-0": "male", "age-0": "67", "add": "1"}
    page = field.client.post(field.url("roster", case), form).content.decode()
    assert 'value="王先生"' in page
    assert not HouseholdRoster.objects.exists()


# --- consent and interview ----------------------------------------------------------------------------
def test_an_interview_is_stored_once_with_its_probability_and_closes_the_case(field, case, interviewer):
    ready = field.ready(case, present=["family"])
    body = field.body(document=ready["document_hash"])
    first = field.client.post(ready["submit_url"], json.dumps(body), content_type="application/json")
    again = field.client.post(ready["submit_url"], json.dumps(body), content_type="application/json")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    response = Response.objects.get()
    assert (response.mode, response.sample_kind, response.interviewer) == ("door", "probability", interviewer)
    assert response.person_probability == pytest.approx(1 / 3)
    assert response.selected_person.method == "uniform"
    assert response.paradata["present"] == ["family"]
    assert response.answers["Q01"] == ANSWERS["Q01"]
    contact = Contact.objects.get(mode="door")
    assert (contact.disposition, contact.detail["present"]) == ("1.1", ["family"])
    case.refresh_from_db()
    assert case.status == Case.Status.COMPLETED
    assert (Consent.objects.get().mode, Respondent.objects.get().channel) == ("door", "door")
    thanks = field.client.get(first.json()["thanks_url"]).content.decode()
    assert first.json()["receipt"] in thanks
    today = field.client.get(reverse("fieldwork:today")).content.decode()
    assert "今天做完的" in today


def test_the_same_id_with_other_answers_is_refused(field, case):
    ready = field.ready(case)
    body = field.body(document=ready["document_hash"])
    field.send("submit", case, body)
    reply = field.send("submit", case, {**body, "answers": {**ANSWERS, "trust": 1}})
    assert (reply.status_code, reply.json()["code"]) == (409, "responses.other_content")


def test_a_repeat_is_known_after_the_case_went_into_other_hands(
    field, case, other_interviewer, supervisor, interviewer
):
    ready = field.ready(case)
    body = field.body(document=ready["document_hash"])
    assert field.send("submit", case, body).status_code == 201
    assign_cases(cases=[case], interviewer=other_interviewer, acting_user=supervisor)
    assert field.send("submit", case, body).status_code == 200
    assert Response.objects.count() == 1
    field.client.force_login(other_interviewer)
    stolen = field.send("submit", case, {**body, "id": str(uuid.uuid4())})
    assert stolen.status_code == 409


def test_no_interview_without_list_or_consent_or_with_an_old_document(field, case, round_):
    version = round_.questionnaire_version
    body = field.body(document=version.document_hash)
    assert field.send("submit", case, body).json()["code"] == "responses.no_person"
    assert field.send("consent", case, {}).json()["code"] == "responses.no_person"
    field.send("roster", case, {"members": MEMBERS})
    assert field.send("submit", case, body).json()["code"] == "responses.no_consent"
    assert field.client.get(field.url("form", case)).status_code == 302
    field.send("consent", case, {})
    assert field.send("submit", case, {**body, "document": "old"}).json()["code"] == "responses.old_version"
    assert field.send("submit", case, {**body, "answers": {}}).status_code == 422
    assert field.send("submit", case, body).status_code == 201


def test_the_questionnaire_is_the_residents_own_renderer_in_mode_door(field, case):
    ready = field.ready(case, present=["cadre", "family"])
    page = field.client.get(ready["form_url"]).content.decode()
    assert 'data-mode="door"' in page
    assert "questionnaires/form.js" in page
    assert f'data-submit-url="{ready["submit_url"].replace("&", "&amp;")}"' in page
    assert 'id="minyi-document"' in page
    assert "style=" not in page


def test_an_official_in_the_room_is_flagged_and_the_answer_kept(field, case):
    ready = field.ready(case, present=["cadre"])
    reply = field.client.post(
        ready["submit_url"],
        json.dumps(field.body(document=ready["document_hash"])),
        content_type="application/json",
    )
    assert reply.status_code == 201
    flag = Flag.objects.get()
    assert (flag.kind, flag.evidence) == (OFFICIAL_PRESENT, {"present": ["cadre"]})
    assert Response.objects.get().state == "accepted"


def test_a_web_answer_closes_the_door_at_once(field, case, lead):
    ready = field.ready(case)
    [(_case, qr, _typed)] = issue_codes(cases=[case], batch=None, acting_user=lead)
    assert Phone().get_ready(qr).submit().status_code == 201
    reply = field.send("submit", case, field.body(document=ready["document_hash"]))
    assert (reply.status_code, reply.json()["code"]) == (409, "responses.already_answered")
    assert Response.objects.get().mode == "web"
    page = field.client.get(field.url("door", case)).content.decode()
    assert "已经在网上答完" in page
    assert "开始登记家人" not in page
    listed = field.client.get(reverse("fieldwork:cases_json")).json()["cases"]
    assert {row["id"]: row["closed"] for row in listed}[str(case.opaque_id)] is True


def test_consent_at_the_door_shows_the_text_and_who_was_chosen(field, case):
    field.send("roster", case, {"members": MEMBERS})
    page = field.client.get(field.url("consent", case)).content.decode()
    for words in ("济南市居民满意度调查组", "0531-12345", "可以不参加", *PRESENT.values()):
        assert words in page
    assert "匿名" not in page
    assert "checked" not in page


def test_posts_need_the_csrf_token(case, interviewer):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(interviewer)
    address = reverse("fieldwork:visit", args=[case.opaque_id])
    body = json.dumps({"result": "no_answer"})
    assert strict.post(address, body, content_type="application/json").status_code == 403
    strict.get(address)
    token = strict.cookies["csrftoken"].value
    reply = strict.post(address, body, content_type="application/json", headers={"x-csrftoken": token})
    assert reply.status_code == 201


def test_pages_carry_no_inline_style_or_script(field, cases):
    field.ready(cases[1])
    field.send("visit", cases[2], {"result": "no_answer"})
    addresses = [reverse("fieldwork:today"), reverse("fieldwork:appointments")]
    addresses += [address for case in cases for _name, address in case_addresses(case)]
    for address in addresses:
        page = field.client.get(address, follow=True).content.decode()
        assert "style=" not in page
        assert "onclick" not in page
        assert "<script>" not in page


def test_the_day_costs_the_same_number_of_queries_however_many_doors(field, round_, interviewer, supervisor):
    address = reverse("fieldwork:today")
    with CaptureQueriesContext(connection) as few:
        field.client.get(address)
    assign_cases(cases=list(round_.cases.all()), interviewer=interviewer, acting_user=supervisor)
    with CaptureQueriesContext(connection) as many:
        page = field.client.get(address)
    assert "今天 12 户" in page.content.decode()
    assert len(many) == len(few)


def test_letter_files_are_destroyed_with_the_contact_data(round_, lead, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    prepare_letters(round=round_, acting_user=lead)
    assert list(tmp_path.rglob("*.sealed"))
    Round.objects.filter(pk=round_.pk).update(state="closed", retention_until=date(2020, 1, 1))
    destroy_contact_data(round=Round.objects.get(pk=round_.pk), acting_user=lead)
    assert not list(tmp_path.rglob("*.sealed"))
