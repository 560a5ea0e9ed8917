"""Working without a signal: each rule of docs/field-sync.md, over HTTP with sealed items."""

import gzip
import hashlib
import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.household import choose
from survey.contacts.models import Contact, HouseholdRoster, SelectedPerson
from survey.fieldwork.models import Assignment, CallbackPhone, Device, Review, SyncItem, VisitPlace
from survey.fieldwork.places import position_of
from survey.fieldwork.services import ROSTER_CHANGED, assign_cases
from survey.fieldwork.sync import flags, protocol, pulling, pushing
from survey.fieldwork.sync.devices import lock_device, unlock_device
from survey.fieldwork.sync.keys import open_item
from survey.fieldwork.sync.pushing import discard_payloads, settle_waiting
from survey.fieldwork.tasks import settle_items, sync_originals
from survey.responses.models import Attachment, Flag, Response
from survey.responses.services import open_answers, withdraw_response
from survey.sampling.models import Case
from survey.studies.models import Round
from tests import factories
from tests.phones import BASE, MEMBERS, FieldPhone, picture
from tests.residents import ANSWERS, Phone, make_open_round, make_version, small_document, write_letter

pytestmark = [pytest.mark.django_db, pytest.mark.database]
FOURTH = [*MEMBERS, {"label": "小张", "sex": "female", "age": 36}]


@pytest.fixture
def round_(regions):
    return make_open_round(regions["370105000000"])


@pytest.fixture
def supervisor(regions):
    return factories.make_user("sun", "supervisor", regions["370105000000"])


@pytest.fixture
def other(regions):
    """Qian, an interviewer of the same district with nothing assigned."""
    return factories.make_user("qian", "interviewer", regions["370105000000"])


@pytest.fixture
def cases(round_, interviewer, supervisor):
    first = round_.cases.order_by("community__path").first().community
    mine = list(round_.cases.filter(community=first).order_by("number"))
    assign_cases(cases=mine, interviewer=interviewer, acting_user=supervisor)
    return mine


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def phone(interviewer, cases):
    return FieldPhone(logged_in(interviewer)).register().pull()


@pytest.fixture
def case(cases):
    return cases[0]


@pytest.fixture
def case_id(case):
    return str(case.opaque_id)


def only(results):
    (result,) = results
    return result["state"], result["code"]


# --- pulling ------------------------------------------------------------------------------------------
def test_a_pull_gives_my_cases_with_what_work_without_signal_needs(phone, cases, round_):
    assert set(phone.cases) == {str(case.opaque_id) for case in cases}
    given = phone.cases[str(cases[0].opaque_id)]
    assert given["seed"] == cases[0].selection_seed
    assert "号楼" in given["address"]
    assert phone.rounds[round_.pk]["document"] == round_.questionnaire_version.document_hash
    document = phone.client.get(phone.rounds[round_.pk]["document_url"])
    assert document.json()["document"]["name"] == "small"
    assert document.json()["scripts"][-1] == "questionnaires/mount.js"
    assert "immutable" in document["Cache-Control"]


def test_a_pull_travels_packed(phone):
    reply = phone.client.get(
        BASE + "pull/", {"device": phone.id, "cursor": ""}, headers={"accept-encoding": "gzip"}
    )
    assert reply["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.content))["cases"]


def test_the_next_pull_brings_only_what_changed(phone, cases, monkeypatch):
    monkeypatch.setattr(pulling, "OVERLAP", timedelta(0))
    phone.pull()
    assert phone.ask()["cases"] == []
    phone.push(phone.visit(str(cases[1].opaque_id)))
    (changed,) = phone.ask()["cases"]
    assert changed["id"] == str(cases[1].opaque_id)
    assert [visit["label"] for visit in changed["visits"]] == ["没人应门"]


def test_a_long_list_comes_in_pages_and_a_lost_page_comes_again(phone, interviewer, cases, monkeypatch):
    monkeypatch.setattr(pulling, "PAGE", 2)
    phone.cases.clear()
    phone.cursor = ""
    first = phone.ask()
    assert (len(first["cases"]), first["more"]) == (2, True)
    assert phone.ask("")["cases"] == first["cases"]  # the answer got lost on its way
    phone.take(first)
    second = phone.ask()
    assert (len(second["cases"]), second["more"]) == (1, False)
    assert {each["id"] for each in first["cases"] + second["cases"]} == {str(c.opaque_id) for c in cases}


def test_a_case_that_was_taken_away_is_named_so_that_the_phone_forgets_it(phone, cases, other, supervisor):
    assign_cases(cases=cases[:1], interviewer=other, acting_user=supervisor)
    phone.pull()
    assert str(cases[0].opaque_id) not in phone.cases
    assert len(phone.cases) == len(cases) - 1


def test_a_broken_cursor_is_refused_in_words(phone):
    reply = phone.get("pull/", device=phone.id, cursor="next")
    assert (reply.status_code, reply.json()["code"]) == (400, "fieldwork.bad_cursor")


def test_an_official_and_somebody_without_login_get_nothing(phone, official, case_id):
    for client, status in ((logged_in(official), 403), (Client(), 401)):
        for path in ("hello/", f"pull/?device={phone.id}"):
            assert client.get(BASE + path).status_code == status
        body = json.dumps({"device": phone.id, "items": [phone.visit(case_id)]})
        assert client.post(BASE + "push/", body, content_type="application/json").status_code == status
    assert not SyncItem.objects.exists()


def test_another_interviewers_phone_cannot_be_pulled_for_or_taken_over(phone, other, cases):
    theirs = FieldPhone(logged_in(other))
    reply = theirs.get("pull/", device=phone.id)
    assert (reply.status_code, reply.json()["code"]) == (404, "fieldwork.device_unknown")
    theirs.id = phone.id
    reply = theirs.post("devices/", {"id": phone.id, "secret": theirs.secret})
    assert (reply.status_code, reply.json()["code"]) == (409, "fieldwork.device_taken")


# --- visits -------------------------------------------------------------------------------------------
def test_a_visit_is_stored_with_both_clocks_its_place_and_who_was_there(phone, case, case_id):
    item = phone.visit(
        case_id,
        "appointment",
        note="晚上有灯",
        present=["grid_worker"],
        appointment=(now() + timedelta(days=1)).isoformat(),
        place={"lat": 36.66, "lng": 117.0, "accuracy_m": 12},
    )
    assert only(phone.push(item)) == ("accepted", "")
    contact = Contact.objects.get(case=case)
    assert (contact.disposition, contact.detail["result"]) == ("2.25", "appointment")
    assert contact.detail["present"] == ["grid_worker"]
    assert {"device_at", "offset_ms", "appointment"} <= set(contact.detail)
    assert "晚上" not in bytes(contact.note_cipher).decode(errors="ignore")
    assert position_of(VisitPlace.objects.get(contact=contact)) == (36.66, 117.0)


def test_a_clock_that_is_hours_wrong_changes_no_time(interviewer, cases):
    phone = FieldPhone(logged_in(interviewer), clock_wrong=timedelta(hours=7)).register().pull()
    phone.push(phone.visit(str(cases[0].opaque_id)))
    contact = Contact.objects.get()
    assert abs(contact.at - now()) < timedelta(seconds=20)
    row = SyncItem.objects.get()
    assert abs(row.device_at - (now() - timedelta(hours=7))) < timedelta(seconds=20)
    assert abs(row.offset_ms - 7 * 3600 * 1000) < 20_000


def test_a_clock_that_runs_ahead_makes_no_visit_in_the_future_and_is_flagged(phone, case, case_id):
    ahead = phone.text("visit", case_id, {"result": "no_answer"}, offset_ms=5 * 3600 * 1000)
    assert only(phone.push(phone.sealed(ahead))) == ("accepted", "")
    assert Contact.objects.get().at <= now()
    assert Flag.objects.get().kind == flags.CLOCK


# --- interviews ---------------------------------------------------------------------------------------
def test_an_interview_arrives_whole(phone, case, case_id, interviewer):
    signature, plate = phone.file(case_id, picture("王")), phone.file(case_id, picture(), "door_plate")
    item = phone.interview(
        case_id,
        consent={"given_at": phone.now().isoformat(), "language": "zh-hans", "signature": signature["id"]},
        plate=plate["id"],
        present=["cadre"],
    )
    results = phone.push(signature, plate, item)
    assert [result["state"] for result in results] == ["accepted"] * 3
    response = Response.objects.get()
    assert (response.mode, response.interviewer) == ("door", interviewer)
    assert str(response.client_id) == item["id"]
    assert open_answers(response) == ANSWERS
    assert response.person_probability == pytest.approx(1 / 3)
    person = SelectedPerson.objects.get()
    assert person.chosen_index == choose(case.selection_seed, 3)
    pictures = Attachment.objects.filter(response=response).values_list("item", flat=True)
    assert set(pictures) == {"consent_signature", "door_plate"}
    assert {flag.kind for flag in Flag.objects.all()} == {"official_present"}
    case.refresh_from_db()
    assert case.status == Case.Status.COMPLETED


@pytest.mark.parametrize(("phone_number", "kept"), [("138 0531 0000", 1), ("12", 0), ("", 0)])
def test_a_number_for_calling_back_is_kept_and_a_wrong_one_loses_no_answers(
    phone, case_id, phone_number, kept
):
    assert only(phone.push(phone.interview(case_id, phone=phone_number))) == ("accepted", "")
    assert CallbackPhone.objects.count() == kept


def test_an_interview_that_overtakes_its_signature_waits_for_it(phone, case_id):
    signature = phone.file(case_id, picture("王"))
    consent = {"given_at": phone.now().isoformat(), "language": "zh-hans", "signature": signature["id"]}
    item = phone.interview(case_id, consent=consent)
    assert only(phone.push(item)) == ("waiting", "file_missing")
    assert not Response.objects.exists()
    phone.push(signature)
    assert Response.objects.get().attachments.count() == 1
    phone.pull()
    assert phone.results[item["id"]]["state"] == "accepted"


def test_the_same_item_again_changes_nothing_however_it_is_sealed(phone, case_id):
    item_id = str(uuid.uuid4())
    text = phone.text("interview", case_id, phone.interview_body(case_id))
    first, again = phone.sealed(text, item_id), phone.sealed(text, item_id)
    assert first["ct"] != again["ct"]
    for item in (first, first, again):
        assert only(phone.push(item)) == ("accepted", "")
    assert Response.objects.count() == Contact.objects.count() == SyncItem.objects.count() == 1


def test_the_same_id_with_other_answers_overwrites_nothing(phone, case_id):
    item = phone.interview(case_id)
    phone.push(item)
    other = phone.interview(case_id, item_id=item["id"], answers={**ANSWERS, "age": 44})
    assert only(phone.push(other)) == ("not_stored", "other_content")
    assert open_answers(Response.objects.get())["age"] == 43


def test_answers_that_break_the_questionnaires_rules_are_refused_and_kept(phone, case_id):
    item = phone.interview(case_id, answers={**ANSWERS, "age": 7})
    assert only(phone.push(item)) == ("refused", "responses.invalid")
    assert not Response.objects.exists() and not HouseholdRoster.objects.exists()
    assert SyncItem.objects.get().payload is not None


# --- the choice ---------------------------------------------------------------------------------------
def test_somebody_easier_than_the_one_chosen_is_refused_flagged_and_kept(phone, case, case_id):
    chosen = phone.household(case_id)["chosen_index"]
    item = phone.interview(case_id, household=phone.household(case_id, chosen_index=chosen % 3 + 1))
    assert only(phone.push(item)) == ("refused", "tampered_selection")
    flag = Flag.objects.get()
    assert (flag.kind, flag.case, flag.evidence["ours"]["chosen_index"]) == (flags.REFUSED, case, chosen)
    assert not Response.objects.exists() and not SelectedPerson.objects.exists()
    row = SyncItem.objects.get()
    text = json.loads(open_item(row.seal_key, item["id"], json.loads(bytes(row.payload))))
    assert text["body"]["answers"] == ANSWERS


@pytest.mark.parametrize("lie", [{"n_eligible": 2}, {"roster_hash": "0" * 64}])
def test_a_number_or_a_list_that_does_not_fit_is_refused(phone, case_id, lie):
    item = phone.interview(case_id, household=phone.household(case_id, **lie))
    assert only(phone.push(item)) == ("refused", "tampered_selection")


def test_a_list_corrected_after_the_choice_is_taken_with_every_version_and_flagged(phone, case, case_id):
    household = phone.household(case_id, MEMBERS, FOURTH)
    assert only(phone.push(phone.interview(case_id, household=household))) == ("accepted", "")
    first, second = HouseholdRoster.objects.filter(case=case).order_by("number")
    assert (first.n_eligible, second.n_eligible, second.change_reason) == (3, 4, "漏了一位")
    assert Flag.objects.get().kind == ROSTER_CHANGED
    assert Response.objects.get().person_probability == pytest.approx(1 / 4)


def test_a_list_that_differs_from_the_one_here_is_flagged(phone, case, case_id):
    phone.push(phone.visit(case_id, "person_away", household=phone.household(case_id)))
    phone.push(phone.interview(case_id, household=phone.household(case_id, FOURTH)))
    assert Flag.objects.get().kind == flags.LISTED_TWICE
    assert Response.objects.get().person_probability == pytest.approx(1 / 4)


# --- hands --------------------------------------------------------------------------------------------
def test_a_case_that_was_never_mine_is_refused_flagged_and_kept(phone, round_, cases):
    theirs = round_.cases.exclude(pk__in=[case.pk for case in cases]).first()
    mine = phone.cases[str(cases[0].opaque_id)]
    phone.cases[str(theirs.opaque_id)] = {**mine, "seed": theirs.selection_seed}
    item = phone.interview(str(theirs.opaque_id))
    assert only(phone.push(item)) == ("refused", "not_assigned")
    flag = Flag.objects.get()
    assert (flag.case, flag.evidence["code"]) == (theirs, "not_assigned")
    assert SyncItem.objects.get().payload is not None and not Response.objects.exists()


def test_a_case_given_to_another_while_i_had_no_signal_is_taken_and_flagged(
    phone, case, case_id, other, supervisor
):
    item = phone.interview(case_id)
    assign_cases(cases=[case], interviewer=other, acting_user=supervisor)
    assert only(phone.push(item)) == ("accepted", "")
    assert Flag.objects.get().kind == flags.REASSIGNED


def test_a_case_that_the_phone_knew_was_gone_is_refused(phone, case, case_id, other, supervisor):
    kept = dict(phone.cases)
    assign_cases(cases=[case], interviewer=other, acting_user=supervisor)
    phone.pull()
    phone.cases = kept
    assert only(phone.push(phone.visit(case_id))) == ("refused", "not_assigned")


# --- two answers of one household ---------------------------------------------------------------------
def web_answer(case) -> Response:
    qr, _typed = write_letter(case)
    assert Phone().get_ready(qr).submit().status_code == 201
    return Response.objects.get(mode="web")


def test_a_web_answer_came_first_and_both_are_kept(phone, case, case_id):
    item = phone.interview(case_id, answers={**ANSWERS, "age": 64})
    web = web_answer(case)
    assert only(phone.push(item)) == ("kept", "response_stands")
    door = Response.objects.get(mode="door")
    assert (web.state, door.state) == ("accepted", "rejected")
    assert open_answers(door)["age"] == 64
    assert list(Response.objects.counted()) == [web]
    flag = Flag.objects.get()
    assert (flag.kind, flag.evidence["standing"], flag.response) == (flags.TWO_COMPLETES, str(web.pk), door)
    assert only(phone.push(item)) == ("kept", "response_stands")  # and once only
    assert Response.objects.count() == 2


def test_a_visit_that_met_a_web_answer_is_stored_and_the_answer_stands(phone, case, case_id):
    web = web_answer(case)
    item = phone.visit(case_id, "no_answer")
    (result,) = phone.push(item)
    assert (result["state"], result["standing_mode"]) == ("kept", "web")
    assert result["standing_at"] == web.received_at.isoformat()
    assert Contact.objects.filter(mode="door").count() == 1
    case.refresh_from_db()
    assert case.status == Case.Status.COMPLETED
    remark = phone.sealed(phone.text("remark", case_id, {"about": item["id"], "note": "邻居代开的门"}))
    assert only(phone.push(remark)) == ("accepted", "")
    assert Contact.objects.filter(detail__remark_on=item["id"]).count() == 1


# --- corrections --------------------------------------------------------------------------------------
def test_a_correction_becomes_the_next_revision_and_the_first_stays(phone, case_id):
    first = phone.interview(case_id)
    mended = phone.interview(case_id, answers={**ANSWERS, "age": 44}, replaces=first["id"])
    for item in (first, mended, mended):
        assert only(phone.push(item)) == ("accepted", "")
    old, new = Response.objects.order_by("revision")
    assert (old.superseded_by, new.revision, open_answers(new)["age"]) == (new, 2, 44)
    assert list(Response.objects.counted()) == [new]
    assert Contact.objects.count() == 1  # one door, one completed visit


def test_a_correction_takes_the_pictures_along_that_its_answers_still_name(regions, interviewer, supervisor):
    document = small_document()
    photo = {
        "name": "lamp",
        "type": "photo",
        "label": {"zh-hans": "拍一下路灯", "en": "The lamp"},
        "seconds": 5,
    }
    document["blocks"][1]["items"].append(photo)
    round_ = make_open_round(regions["370105000000"], questionnaire_version=make_version(document))
    assign_cases(cases=round_.cases.all(), interviewer=interviewer, acting_user=supervisor)
    phone = FieldPhone(logged_in(interviewer)).register().pull()
    case_id, content = next(iter(phone.cases)), picture("灯")
    file = phone.file(case_id, content, "lamp")
    named = {"id": file["id"], "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    answers = {**ANSWERS, "lamp": named}
    first = phone.interview(case_id, answers=answers, files=[file["id"]])
    mended = phone.interview(case_id, answers={**answers, "age": 44}, replaces=first["id"])
    assert [each["code"] for each in phone.push(file, first, mended)] == ["", "", ""]
    new = Response.objects.counted().get()
    assert (new.revision, new.attachments.get().item) == (2, "lamp")
    withdraw_response(response=new, reason="本人要求", acting_user=SYSTEM)
    assert discard_payloads() == 3  # the picture's original goes as well


def test_a_correction_that_overtakes_the_first_counts_alone(phone, case_id):
    first = phone.interview(case_id)
    mended = phone.interview(case_id, answers={**ANSWERS, "age": 44}, replaces=first["id"])
    assert only(phone.push(mended)) == ("accepted", "")
    assert only(phone.push(first)) == ("kept", "superseded")
    assert open_answers(Response.objects.get())["age"] == 44


def test_an_interview_sent_back_comes_with_its_comment_and_goes_home_mended(phone, case_id, supervisor):
    first = phone.interview(case_id)
    phone.push(first)
    review = Review.objects.create(
        response=Response.objects.get(),
        verdict=Review.Verdict.RETURNED,
        comment="年龄和名单对不上，请核对",
        items=["age"],
        reviewed_at=now(),
        reviewed_by=supervisor,
    )
    phone.pull()
    (returned,) = phone.returned
    assert (returned["comment"], returned["items"]) == ("年龄和名单对不上，请核对", ["age"])
    assert (returned["replaces"], returned["answers"]) == (first["id"], ANSWERS)
    mended = phone.interview(case_id, answers={**ANSWERS, "age": 64}, replaces=returned["replaces"])
    assert only(phone.push(mended)) == ("accepted", "")
    review.refresh_from_db()
    assert review.answered_with.client_id == uuid.UUID(mended["id"])
    phone.returned = []
    assert phone.ask("")["returned"] == []


# --- who carries it -----------------------------------------------------------------------------------
def test_another_log_in_carries_what_it_cannot_read_and_the_author_stays(phone, case_id, other, interviewer):
    item = phone.interview(case_id)
    carrier = FieldPhone(logged_in(other)).register()
    (result,) = carrier.push(item)
    assert result["state"] == "accepted"
    assert Response.objects.get().interviewer == interviewer
    row = SyncItem.objects.get()
    assert (row.uploaded_by, row.device.user) == (other, interviewer)


def test_a_seal_with_another_phones_secret_is_refused_and_kept(phone, case_id, other, cases):
    guessed = {"id": phone.id, "secret": "guess" * 9}
    text = phone.text("visit", case_id, {"result": "no_answer"}, device=guessed)
    assert only(phone.push(phone.sealed(text))) == ("refused", "unknown_device")
    assert not Contact.objects.exists() and SyncItem.objects.get().payload is not None


def test_a_seal_that_was_altered_is_refused_and_kept(phone, case_id):
    item = phone.visit(case_id)
    item["ct"] = item["ct"][:-8] + "AAAAAAA="
    assert only(phone.push(item)) == ("refused", "unreadable")
    assert SyncItem.objects.get().payload is not None


def test_a_seal_moved_to_another_id_does_not_open(phone, case_id):
    item = {**phone.visit(case_id), "id": str(uuid.uuid4())}
    assert only(phone.push(item)) == ("refused", "unreadable")
    assert not Contact.objects.exists()


def test_a_locked_phone_gets_no_cases_and_still_delivers(phone, case_id, supervisor):
    lock_device(device=Device.objects.get(), acting_user=supervisor)
    page = phone.ask()
    assert page["locked"] is True and "cases" not in page
    assert only(phone.push(phone.visit(case_id))) == ("accepted", "")
    unlock_device(device=Device.objects.get(), acting_user=supervisor)
    assert phone.ask()["locked"] is False


# --- versions and training ----------------------------------------------------------------------------
def test_an_old_app_is_understood(interviewer, cases):
    phone = FieldPhone(logged_in(interviewer), protocol=1).register().pull()
    case_id = str(cases[0].opaque_id)
    household = phone.household(case_id)
    (listed,) = household.pop("rosters")
    household |= {"members": listed["members"], "locked_at": listed["locked_at"]}
    assert only(phone.push(phone.interview(case_id, household=household))) == ("accepted", "")
    assert SyncItem.objects.get().protocol == 1
    assert HouseholdRoster.objects.get().n_eligible == 3


def test_a_newer_app_than_the_server_waits_for_its_update(phone, case_id, monkeypatch):
    newest = protocol.PROTOCOL
    newer = phone.sealed(phone.text("visit", case_id, {"result": "no_answer"}, protocol=newest + 1))
    assert only(phone.push(newer)) == ("waiting", "newer_protocol")
    assert settle_waiting() == 0
    for module in ("protocol", "pushing"):
        monkeypatch.setattr(f"survey.fieldwork.sync.{module}.PROTOCOL", newest + 1)
    monkeypatch.setitem(protocol.UPGRADES, newest, lambda raw: raw)
    assert settle_waiting() == 1
    assert Contact.objects.count() == 1


def test_fields_of_a_later_version_do_no_harm(phone, case_id):
    assert only(phone.push(phone.visit(case_id, weather="雨"))) == ("accepted", "")


def test_training_never_reaches_a_round(phone, case_id, round_):
    item = phone.interview(case_id, item_id="00000000-" + str(uuid.uuid4())[9:])
    assert only(phone.push(item)) == ("not_stored", "training")
    Round.objects.filter(pk=round_.pk).update(is_training=True)
    assert only(phone.push(phone.interview(case_id))) == ("not_stored", "training")
    assert not SyncItem.objects.exists() and not Response.objects.exists()


# --- amounts and faults -------------------------------------------------------------------------------
def test_ten_days_without_signal_come_home_at_once(regions, interviewer, supervisor):
    round_ = make_open_round(regions["370105000000"], study=None)
    cases = list(round_.cases.order_by("pk"))
    assign_cases(cases=cases, interviewer=interviewer, acting_user=supervisor)
    phone = FieldPhone(logged_in(interviewer)).register().pull()
    visits = [phone.visit(case_id) for case_id in phone.cases for _day in range(8)]
    interviews = [phone.interview(case_id) for case_id in phone.cases]
    sent = visits + interviews
    assert len(sent) > protocol.MAX_ITEMS
    reply = phone.post("push/", {"device": phone.id, "items": sent})
    assert (reply.status_code, reply.json()["code"]) == (413, "fieldwork.too_many_items")
    for start in range(0, len(sent), 50):
        assert {each["state"] for each in phone.push(*sent[start : start + 50])} == {"accepted"}
    assert Response.objects.count() == len(cases)


def test_what_there_was_no_time_for_is_safe_and_settled_later(phone, case_id, settings):
    settings.SYNC_BUDGET_S = 0.0
    item = phone.interview(case_id)
    assert only(phone.push(item)) == ("waiting", "")
    assert not Response.objects.exists()
    phone.pull()
    assert phone.results[item["id"]]["state"] == "accepted"
    assert Response.objects.count() == 1


def test_a_worker_settles_what_requests_only_stored(phone, cases, settings):
    settings.SYNC_BUDGET_S = 0.0
    assert not pushing.has_unsettled()
    phone.push(*(phone.interview(str(case.opaque_id)) for case in cases))
    assert pushing.has_unsettled() and not Response.objects.exists()
    settle_items()
    assert Response.objects.count() == len(cases) and not pushing.has_unsettled()


def test_a_fault_in_one_item_leaves_the_others_and_is_taken_up_again(phone, cases, monkeypatch):
    ids = [str(case.opaque_id) for case in cases[:2]]
    broken, fine = phone.visit(ids[0]), phone.visit(ids[1])
    apply_item = pushing.apply_item

    def faulty(row, item, device):
        if str(row.pk) == broken["id"]:
            raise ZeroDivisionError
        return apply_item(row, item, device)

    monkeypatch.setattr(pushing, "apply_item", faulty)
    assert [each["state"] for each in phone.push(broken, fine)] == ["waiting", "accepted"]
    monkeypatch.setattr(pushing, "apply_item", apply_item)
    assert only(phone.push(broken)) == ("accepted", "")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("text", "malformed"),
        ({"id": "no uuid"}, "malformed"),
        ({"id": str(uuid.uuid4()), "key": str(uuid.uuid4()), "epk": "", "iv": "", "ct": ""}, "unknown_key"),
        ({"id": str(uuid.uuid4())}, "unknown_key"),
    ],
)
def test_what_cannot_be_stored_is_answered_one_by_one(phone, case_id, raw, code):
    bad, good = phone.push(raw, phone.visit(case_id))
    assert (bad["state"], bad["code"], good["state"]) == ("not_stored", code, "accepted")


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"items": 3}', b'{"device": "x", "items": []}'])
def test_a_broken_request_is_refused(phone, body):
    reply = phone.client.post(BASE + "push/", body, content_type="application/json")
    assert reply.status_code == 400


def test_a_packed_bomb_is_refused(phone):
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    reply = phone.client.post(
        BASE + "push/", bomb, content_type="application/json", headers={"content-encoding": "gzip"}
    )
    assert reply.status_code == 400


def test_originals_go_after_a_month_and_at_once_when_an_answer_is_withdrawn(phone, cases):
    ids = [str(case.opaque_id) for case in cases]
    phone.push(*(phone.interview(case_id) for case_id in ids))
    refused = phone.interview(ids[0], answers={"age": 7})
    phone.push(refused)
    assert discard_payloads() == 0
    response = Response.objects.first()
    withdraw_response(response=response, reason="本人要求", acting_user=SYSTEM)
    assert discard_payloads() == 1
    SyncItem.objects.update(settled_at=now() - timedelta(days=31))
    assert discard_payloads() == len(ids) - 1
    assert SyncItem.objects.get(pk=refused["id"]).payload is not None


def test_when_the_retention_date_has_passed_no_original_is_left(phone, case_id, round_):
    phone.push(phone.interview(case_id, answers={"age": 7}))
    with pytest.raises(ValueError, match="retention"):
        pushing.destroy_originals(round=round_)
    Round.objects.filter(pk=round_.pk).update(retention_until=now().date() - timedelta(days=2))
    sync_originals()
    assert SyncItem.objects.get().payload is None


def test_a_closed_round_takes_visits_and_keeps_late_interviews_aside(phone, case_id, cases, round_):
    visit, late = phone.visit(str(cases[1].opaque_id)), phone.interview(case_id)
    Round.objects.filter(pk=round_.pk).update(state=Round.State.CLOSED)
    assert [each["code"] for each in phone.push(visit, late)] == ["", "contacts.closed"]
    assert Contact.objects.count() == 1
    assert Assignment.objects.filter(ended_at__isnull=True).exists()
