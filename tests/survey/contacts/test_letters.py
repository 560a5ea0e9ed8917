"""Letters: one page a household, codes that work, nothing printed twice, nobody else reads them."""

import re
import shutil
import subprocess
from datetime import date

import pytest
from django.urls import reverse

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.common.errors import Problem
from survey.contacts.codes import shown
from survey.contacts.models import Contact, HouseholdCode, LetterBatch
from survey.contacts.queries import address_of
from survey.contacts.services import (
    find_case_by_qr,
    find_case_by_typed,
    letters,
    open_letters,
    prepare_letters,
    remove_letters,
)
from survey.contacts.tasks import PREPARE_LETTERS, start_letters
from survey.jobs.models import Job
from survey.jobs.services import HEARTBEAT_LOST_AFTER, run_job
from survey.sampling.models import Case, FrameUnit, FrameVersion
from survey.sampling.services import check_household_line
from survey.studies.models import Round, Study
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.PUBLIC_URL = "https://diaocha.example.cn"


@pytest.fixture
def round_(regions):
    return factories.make_drawn_round(
        regions["370105000000"], state=Round.State.OPEN, is_simulated=True, closes_on=date(2026, 12, 20)
    )


def pages_of(document):
    """The text of each page."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    text = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=document, capture_output=True, check=True
    ).stdout.decode()
    return text.split("\f")[:-1]


def printed(round_, lead, **options):
    """Prepare letters and give (batch, what was delivered)."""
    issued = []
    round_ = Round.objects.get(pk=round_.pk)
    batch = prepare_letters(round=round_, acting_user=lead, deliver=issued.extend, **options)
    return batch, issued


def test_every_household_has_one_page_with_its_own_code_and_address(round_, lead):
    batch, issued = printed(round_, lead)
    pages = pages_of(open_letters(batch=batch, part=1, acting_user=lead))
    assert len(pages) == len(issued) == batch.n_letters == round_.cases.count() == 12
    for page, (case, _qr, typed) in zip(pages, issued, strict=True):
        assert re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", page) == [shown(typed)]
        assert f"编号 {case.number}" in page
        unit = FrameUnit.objects.get(pk=case.frame_unit_id)
        assert unit.community.name.removesuffix("居委会") in page
    assert pages[0] != pages[1]


def test_the_page_says_who_asks_why_whom_and_that_it_is_confidential_never_anonymous(round_, lead):
    Study.objects.update(form_number="济民调 01 表", approval_number="济统制〔2026〕12 号")
    batch, _issued = printed(round_, lead)
    page = re.sub(r"\s", "", pages_of(open_letters(batch=batch, part=1, acting_user=lead))[0])
    for words in (
        "济南市居民满意度调查组",
        "0531-12345",
        "看看哪些事该先办",
        "年满18岁的人里，谁最先过生日",
        "您的回答保密",
        "可以不参加",
        "https://diaocha.example.cn/s/",
        "济民调01表",
        "济统制〔2026〕12号",
        "2026年12月20日",
        "模拟数据",
    ):
        assert words in page
    assert "匿名" not in page


def test_a_real_round_carries_no_simulation_mark_and_no_empty_form_header(round_, lead):
    Round.objects.update(is_simulated=False)
    batch, _issued = printed(round_, lead)
    page = pages_of(open_letters(batch=batch, part=1, acting_user=lead))[0]
    assert "模拟" not in page
    assert "表号" not in page


def test_the_printed_codes_open_the_door(round_, lead):
    _batch, issued = printed(round_, lead)
    for case, qr, typed in issued:
        assert find_case_by_qr(qr) == find_case_by_typed(typed, address="203.0.113.5") == case


PROOF = re.compile(r"((?:[0-9A-Z]{4} ){6}[0-9A-Z]{4})(?![0-9A-Z-])")


def test_the_letter_proves_that_the_household_is_in_the_frame(round_, lead):
    batch, issued = printed(round_, lead)
    pages = pages_of(open_letters(batch=batch, part=1, acting_user=lead))
    for page, (case, _qr, _typed) in zip(pages, issued, strict=True):
        first, second = PROOF.findall(page)
        assert "https://diaocha.example.cn/draws/my-line" in page
        address = address_of(case)
        assert re.sub(r"\s", "", address) in re.sub(r"\s", "", page)
        assert check_household_line(code=f"{first}\n{second}", address=address).ok


def test_a_frame_of_the_first_release_has_letters_without_a_proof(round_, lead):
    FrameVersion.objects.update(hash_algorithm="minyi-frame-1")
    batch, _issued = printed(round_, lead)
    page = pages_of(open_letters(batch=batch, part=1, acting_user=lead))[0]
    assert PROOF.findall(page) == []
    assert "my-line" not in page


def test_each_letter_is_a_contact_and_a_second_run_finds_nobody_waiting(round_, lead):
    batch, issued = printed(round_, lead)
    contacts = Contact.objects.filter(mode="letter")
    assert contacts.count() == len(issued)
    assert set(contacts.values_list("detail__batch", flat=True)) == {batch.pk}
    with pytest.raises(Problem) as refusal:
        prepare_letters(round=round_, acting_user=lead)
    assert refusal.value.code == "common.invalid"


def test_a_reminder_goes_only_to_households_that_may_be_contacted_and_replaces_their_code(round_, lead):
    _first, issued = printed(round_, lead)
    done, refused, *waiting = list(round_.cases.order_by("number"))
    Case.objects.filter(pk=done.pk).update(status="completed")
    Case.objects.filter(pk=refused.pk).update(status="refused")
    batch, again = printed(round_, lead, step="reminder")
    assert {case.pk for case, _qr, _typed in again} == {case.pk for case in waiting}
    old = {case.pk: qr for case, qr, _typed in issued}
    with pytest.raises(Problem) as refusal:
        find_case_by_qr(old[waiting[0].pk])
    assert refusal.value.code == "contacts.code_replaced"
    assert find_case_by_qr(old[done.pk]).pk == done.pk
    assert batch.step == "reminder"


def test_a_reprint_prints_the_named_cases_again(round_, lead):
    _first, issued = printed(round_, lead)
    case, old_qr, _typed = issued[3]
    batch, again = printed(round_, lead, case_ids=[case.pk])
    assert [row[0].pk for row in again] == [case.pk]
    assert batch.n_letters == 1
    assert find_case_by_qr(again[0][1]) == case
    with pytest.raises(Problem):
        find_case_by_qr(old_qr)


def test_households_of_a_held_back_replicate_get_no_letter(round_, lead):
    case = round_.cases.first()
    draw = case.draw
    held = draw.replicates.create(number=1, n_cases=1)
    Case.objects.filter(pk=case.pk).update(replicate=held)
    _batch, issued = printed(round_, lead)
    assert case.pk not in {row[0].pk for row in issued}


def test_a_character_that_no_font_draws_stops_the_printing_before_it_begins(round_, lead):
    case = round_.cases.select_related("frame_unit").first()
    address = encrypt("天桥东街 \U0003fff0 号楼 3 室", "sampling.address")
    FrameUnit.objects.filter(pk=case.frame_unit_id).update(address_cipher=address)
    with pytest.raises(Problem) as refusal:
        prepare_letters(round=round_, acting_user=lead)
    assert refusal.value.code == "reports.font"
    assert "\U0003fff0" in refusal.value.message
    assert refusal.value.errors == [{"item": case.number, "reason": "画不出：\U0003fff0"}]
    assert not HouseholdCode.objects.exists()
    assert not LetterBatch.objects.exists()
    batch, issued = printed(round_, lead, skip_unprintable=True)
    assert batch.unprintable == [{"case": case.number, "characters": "\U0003fff0"}]
    assert case.pk not in {row[0].pk for row in issued}
    assert len(issued) == 11


def test_words_that_do_not_fit_a_page_are_refused_and_leave_no_code(round_, lead):
    Study.objects.update(purpose="看看哪些事该先办，办了以后有没有变好。" * 80)
    with pytest.raises(Problem) as refusal:
        prepare_letters(round=Round.objects.get(pk=round_.pk), acting_user=lead)
    assert (refusal.value.code, "一页放不下" in refusal.value.message) == ("common.invalid", True)
    assert not HouseholdCode.objects.exists()


def test_markup_in_an_address_is_printed_and_not_obeyed(round_, lead):
    case = round_.cases.select_related("frame_unit").order_by("community__path", "number").first()
    address = encrypt('#panic("x") $1$ *3* 号楼 "甲"', "sampling.address")
    FrameUnit.objects.filter(pk=case.frame_unit_id).update(address_cipher=address)
    batch, _issued = printed(round_, lead)
    assert '#panic("x") $1$ *3*' in pages_of(open_letters(batch=batch, part=1, acting_user=lead))[0]


def test_the_stored_file_shows_neither_code_nor_pdf(round_, lead, tmp_path):
    batch, issued = printed(round_, lead)
    [file] = tmp_path.rglob("*.sealed")
    content = file.read_bytes()
    assert b"%PDF" not in content
    assert all(qr.encode() not in content for _case, qr, _typed in issued)
    assert open_letters(batch=batch, part=1, acting_user=lead).startswith(b"%PDF-")
    remove_letters(batch=batch, acting_user=lead)
    assert not list(tmp_path.rglob("*.sealed"))
    with pytest.raises(Problem) as refusal:
        open_letters(batch=batch, part=1, acting_user=lead)
    assert refusal.value.code == "common.not_found"


def start(round_, lead):
    """A job as `start_letters` stores it, without a worker."""
    return start_letters(round=round_, acting_user=lead)


def test_a_job_that_dies_between_two_parts_goes_on_and_prints_nobody_twice(round_, lead, monkeypatch):
    monkeypatch.setattr(letters, "LETTERS_PER_PART", 5)
    job = start(round_, lead)
    real_write, calls = letters._write, []

    def killed_in_the_second_part(batch, part, document):
        calls.append(part)
        real_write(batch, part, document)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(letters, "_write", killed_in_the_second_part)
    with pytest.raises(KeyboardInterrupt):
        run_job(str(job.pk))
    assert HouseholdCode.objects.count() == 10  # one whole part: five households, two codes each
    Job.objects.filter(pk=job.pk).update(heartbeat_at=now() - 2 * HEARTBEAT_LOST_AFTER)
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    batch = LetterBatch.objects.get()
    assert (batch.n_letters, batch.n_parts) == (12, 3)
    assert Contact.objects.filter(mode="letter").count() == 12
    assert HouseholdCode.objects.filter(replaced_at__isnull=False).count() == 0
    pages = [
        page
        for part in (1, 2, 3)
        for page in pages_of(open_letters(batch=batch, part=part, acting_user=lead))
    ]
    assert len({re.search("编号 (.+)", page).group(1).strip() for page in pages}) == 12


def test_two_jobs_at_once_are_refused(round_, lead):
    start(round_, lead)
    with pytest.raises(Problem) as refusal:
        start(round_, lead)
    assert refusal.value.code == "common.busy"
    assert Job.objects.filter(kind=PREPARE_LETTERS).count() == 1


@pytest.mark.parametrize(
    ("role", "region", "status"),
    [
        ("study_lead", "370100000000", 200),
        ("study_lead", "370104000000", 404),  # another district
        ("study_lead", "370105001000", 404),  # a street of the district: the letters reach beyond it
        ("supervisor", "370100000000", 404),
        ("analyst", "370100000000", 404),
        ("interviewer", "370105000000", 404),
        ("official", "370105000000", 404),
    ],
)
def test_only_those_who_send_letters_can_take_them(round_, lead, regions, client, role, region, status):
    batch, _issued = printed(round_, lead)
    user = factories.make_user(f"user-{role}", role, regions[region])
    client.force_login(user)
    response = client.get(reverse("contacts:letters", args=[batch.pk, 1]))
    assert response.status_code == status
    if status == 200:
        assert response["Content-Type"] == "application/pdf"
        assert response["Content-Disposition"].startswith("attachment;")
        assert response["Cache-Control"] == "no-store"
        entry = AuditEntry.objects.filter(action="contacts.letters.downloaded").get()
        assert entry.actor_id == str(user.pk)
    else:
        assert not AuditEntry.objects.filter(action="contacts.letters.downloaded").exists()


def test_a_stranger_is_sent_to_the_log_in(round_, lead, client):
    batch, _issued = printed(round_, lead)
    response = client.get(reverse("contacts:letters", args=[batch.pk, 1]))
    assert response.status_code == 302
    assert "/accounts/" in response["Location"]


def test_a_part_that_does_not_exist_is_not_found(round_, lead, client):
    batch, _issued = printed(round_, lead)
    client.force_login(lead)
    for part in (0, 2, 99):
        assert client.get(reverse("contacts:letters", args=[batch.pk, part])).status_code == 404


def test_codes_stay_out_of_job_and_audit_trail(round_, lead, monkeypatch, caplog):
    made = []
    real_new_codes = letters.new_codes

    def watched(cases):
        made.extend(real_new_codes(cases))
        return made[-len(list(cases)) :]

    monkeypatch.setattr(letters, "new_codes", watched)
    job = start(round_, lead)
    with caplog.at_level("DEBUG"):
        run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, len(made)) == (Job.State.DONE, 12)
    trail = str([job.result, job.params, job.message, job.error, caplog.text])
    trail += str(list(AuditEntry.objects.values())) + str(list(Contact.objects.values("detail")))
    assert not [code for _case, qr, typed in made for code in (qr, typed, shown(typed)) if code in trail]


def test_a_job_that_fails_with_codes_in_its_hands_does_not_log_them(round_, lead, monkeypatch, caplog, capfd):
    made = []
    real_new_codes = letters.new_codes

    def full_disk(batch, part, document):
        raise OSError("the disk is full")

    monkeypatch.setattr(letters, "new_codes", lambda cases: made.extend(real_new_codes(cases)) or made)
    monkeypatch.setattr(letters, "_write", full_disk)
    job = start(round_, lead)
    run_job(str(job.pk))
    assert Job.objects.get(pk=job.pk).error == "OSError: the disk is full"
    output = capfd.readouterr()
    logged = caplog.text + output.out + output.err
    assert "the disk is full" in logged
    assert len(made) == 12
    assert not [code for _case, qr, typed in made for code in (qr, typed, shown(typed)) if code in logged]
    assert not HouseholdCode.objects.exists()


def test_a_closed_round_sends_no_letters(round_, lead):
    Round.objects.update(state=Round.State.CLOSED)
    with pytest.raises(Problem) as refusal:
        printed(round_, lead)
    assert refusal.value.code == "contacts.closed"
