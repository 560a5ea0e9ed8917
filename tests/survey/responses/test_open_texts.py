"""Open answers: none is quoted before somebody has read it; who coded what, and how alike two people did."""

import json
import uuid

import pytest

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.common.errors import Problem
from survey.responses.models import OpenText, OpenTextReview, Response, TextCoding
from survey.responses.open_texts import (
    agreement,
    check_sample,
    coding_progress,
    progress,
    quotable,
    read,
    texts_of,
    theme_frame,
    theme_rows,
)
from survey.responses.services import (
    add_theme,
    code_text,
    gather_open_texts,
    rename_theme,
    retire_theme,
    review_text,
    withdraw_response,
)
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]
CITY, DISTRICT, STREET = "370100000000", "370105000000", "370105001000"


def answer(case, remark, **values):
    """A response that stands, with one open answer."""
    sealed = {"remark": remark} if isinstance(remark, str) else remark
    return Response.objects.create(
        client_id=uuid.uuid4(),
        content_hash="0" * 64,
        round=case.round,
        case=case,
        region=case.community,
        sample_kind="probability",
        mode="web",
        questionnaire_version=case.round.questionnaire_version,
        language="zh-hans",
        answers={"Q01": 2},
        open_text_cipher=encrypt(json.dumps(sealed), "responses.open_text") if sealed else None,
        submitted_at=now(),
        received_at=now(),
        **values,
    )


@pytest.fixture
def people(regions):
    made = {role: factories.make_user(f"t-{role}", role, regions[CITY]) for role in (
        "study_lead", "text_reviewer", "analyst", "supervisor",
    )}  # fmt: skip
    made["second"] = factories.make_user("t-second", "text_reviewer", regions[CITY])
    return made


@pytest.fixture
def said(open_round, people):
    """Three answers: with a telephone, about parking, about lamps."""
    cases = list(open_round.cases.order_by("number"))
    words = ("路灯坏了，请打13800138000", "停车太难了", "希望楼下装一盏路灯")
    for case, wording in zip(cases, words, strict=False):
        answer(case, wording)
    gather_open_texts(round=open_round, acting_user=people["text_reviewer"])
    return open_round


def text_of(round_, person, wording):
    for each in read(person, round_, list(texts_of(person, round_, "remark"))):
        if each.shown and wording in each.shown:
            return each.text
    raise AssertionError(wording)


def test_every_open_answer_is_in_the_queue_once_however_often_it_is_gathered(said, people):
    assert OpenText.objects.filter(round=said).count() == 3
    assert gather_open_texts(round=said, acting_user=people["text_reviewer"]) == 0
    answer(said.cases.order_by("number")[3], "多种点树")
    assert gather_open_texts(round=said, acting_user=people["text_reviewer"]) == 1
    assert OpenText.objects.filter(round=said).count() == 4


def test_answers_without_words_are_no_open_answers(open_round, people):
    cases = open_round.cases.order_by("number")
    answer(cases[0], {"remark": "   "})
    answer(cases[1], {"spot": {"lat": 1, "lon": 2}})
    answer(cases[2], None)
    assert gather_open_texts(round=open_round, acting_user=people["text_reviewer"]) == 0


def test_nothing_is_quotable_until_somebody_has_read_it(said, people):
    assert quotable(said)["wording"] == []
    assert progress(people["text_reviewer"], said, "remark")["unread"] == 3
    reviewer = people["text_reviewer"]
    review_text(text=text_of(said, reviewer, "停车"), verdict="cleared", acting_user=reviewer)
    review_text(text=text_of(said, reviewer, "楼下"), verdict="withheld", acting_user=reviewer)
    review_text(
        text=text_of(said, reviewer, "13800138000"),
        verdict="redacted",
        wording="路灯坏了，请打（电话）",
        acting_user=reviewer,
    )
    assert sorted(quotable(said)["wording"]) == ["停车太难了", "路灯坏了，请打（电话）"]
    counts = progress(reviewer, said, "remark")
    assert (counts["unread"], counts["cleared"], counts["redacted"], counts["withheld"]) == (0, 1, 1, 1)


def test_a_later_decision_replaces_the_earlier_one_and_takes_its_quote_back(said, people):
    reviewer = people["text_reviewer"]
    text = text_of(said, reviewer, "停车")
    review_text(text=text, verdict="cleared", acting_user=reviewer)
    review_text(text=text, verdict="withheld", acting_user=people["study_lead"])
    assert quotable(said)["wording"] == []
    review = OpenTextReview.objects.get()
    assert review.wording_cipher is None and review.reviewed_by == people["study_lead"]


@pytest.mark.parametrize("wording", ["", "   ", "停车太难了", "字" * 2001])
def test_a_mended_wording_must_be_there_and_differ(said, people, wording):
    reviewer = people["text_reviewer"]
    text = text_of(said, reviewer, "停车")
    with pytest.raises(Problem) as refused:
        review_text(text=text, verdict="redacted", wording=wording, acting_user=reviewer)
    assert refused.value.code == "common.invalid" and not OpenTextReview.objects.exists()


def test_who_only_codes_reads_what_was_cleared_and_only_that(said, people):
    reviewer, analyst = people["text_reviewer"], people["analyst"]
    assert not texts_of(analyst, said).exists()
    text = text_of(said, reviewer, "13800138000")
    review_text(text=text, verdict="redacted", wording="路灯坏了", acting_user=reviewer)
    review_text(text=text_of(said, reviewer, "楼下"), verdict="withheld", acting_user=reviewer)
    (seen,) = read(analyst, said, list(texts_of(analyst, said)))
    assert (seen.said, seen.shown) == (None, "路灯坏了")
    for verdict in ("cleared", "withheld"):
        with pytest.raises(Problem):
            review_text(text=text, verdict=verdict, acting_user=analyst)


def test_others_of_the_team_read_nothing(said, people):
    assert not texts_of(people["supervisor"], said).exists()
    with pytest.raises(Problem):
        gather_open_texts(round=said, acting_user=people["supervisor"])


def test_a_reviewer_of_another_street_reads_nothing_here(said, regions):
    elsewhere = factories.make_user("elsewhere", "text_reviewer", regions["370104000000"])
    assert not texts_of(elsewhere, said).exists()


def test_who_read_how_many_and_who_decided_what_is_in_the_log_without_a_word_of_it(said, people):
    reviewer = people["text_reviewer"]
    review_text(text=text_of(said, reviewer, "停车"), verdict="cleared", acting_user=reviewer)
    actions = list(AuditEntry.objects.values_list("action", "detail"))
    assert ("responses.texts.read", {"texts": 3}) in actions
    assert any(action == "responses.text.reviewed" and d["verdict"] == "cleared" for action, d in actions)
    assert "停车" not in str(actions)


def test_what_is_withdrawn_or_corrected_leaves_the_queue_the_quotes_and_the_themes(said, people):
    reviewer = people["text_reviewer"]
    theme = add_theme(round=said, item="remark", label="停车", acting_user=reviewer)
    text = text_of(said, reviewer, "停车")
    review_text(text=text, verdict="cleared", acting_user=reviewer)
    code_text(text=text, themes=[theme.code], acting_user=reviewer)
    assert theme_rows(said)["themes"] == [[theme.code]]
    withdraw_response(response=text.response, reason="本人", acting_user=people["study_lead"])
    assert quotable(said)["wording"] == theme_rows(said)["themes"] == []
    assert not OpenTextReview.objects.exists() and not TextCoding.objects.exists()
    assert OpenText.objects.count() == 2


def test_a_text_has_several_themes_or_none_and_the_rows_say_so(said, people):
    reviewer = people["text_reviewer"]
    light = add_theme(round=said, item="remark", label="路灯", acting_user=reviewer)
    phone = add_theme(round=said, item="remark", label="求助", acting_user=reviewer)
    code_text(
        text=text_of(said, reviewer, "13800138000"), themes=[phone.code, light.code], acting_user=reviewer
    )
    code_text(text=text_of(said, reviewer, "停车"), themes=[], acting_user=reviewer)
    rows = theme_rows(said)
    assert sorted(rows["themes"]) == [[], [light.code, phone.code]]
    assert rows["item"] == ["remark", "remark"] and len(set(rows["response_id"])) == 2
    assert theme_frame(said) == {"remark": {light.code: "路灯", phone.code: "求助"}}
    assert coding_progress(said) == {"remark": {"texts": 3, "reviewed": 0, "coded": 2}}


def test_a_check_is_made_by_another_person_and_what_they_settle_counts(said, people):
    first, second = people["text_reviewer"], people["second"]
    light = add_theme(round=said, item="remark", label="路灯", acting_user=first)
    cars = add_theme(round=said, item="remark", label="停车", acting_user=first)
    text = text_of(said, first, "楼下")
    with pytest.raises(Problem):
        code_text(text=text, themes=[light.code], purpose="settled", acting_user=first)
    code_text(text=text, themes=[cars.code], acting_user=first)
    with pytest.raises(Problem):
        code_text(text=text, themes=[cars.code], purpose="check", acting_user=first)
    code_text(text=text, themes=[light.code], purpose="check", acting_user=second)
    assert theme_rows(said)["themes"] == [[cars.code]]
    found = agreement(said, "remark")
    assert (found["n"], found["same"], found["settled"]) == (1, 0, 0)
    code_text(text=text, themes=[light.code], purpose="settled", acting_user=first)
    assert theme_rows(said)["themes"] == [[light.code]]
    assert agreement(said, "remark")["settled"] == 1


def test_agreement_is_cohens_kappa_of_the_texts_that_both_coded(open_round, people):
    """2×2 counts 20, 5, 10, 15: observed 0.70, by chance 0.50, kappa 0.40."""
    first, second = people["text_reviewer"], people["second"]
    theme = add_theme(round=open_round, item="remark", label="路灯", acting_user=first)
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    for a, b in pairs:
        text = volunteer_text(open_round)
        code_text(text=text, themes=[theme.code] * a, acting_user=first)
        code_text(text=text, themes=[theme.code] * b, purpose="check", acting_user=second)
    found = agreement(open_round, "remark")
    (row,) = found["themes"]
    assert (found["n"], found["same"], row["n"]) == (50, 35, 50)
    assert row["agreed"] == pytest.approx(0.7) and row["kappa"] == pytest.approx(0.4)
    assert row["low"] < 0.4 < row["high"] <= 1


def volunteer_text(round_):
    response = Response.objects.create(
        client_id=uuid.uuid4(),
        content_hash="0" * 64,
        round=round_,
        region=round_.study.region,
        sample_kind="volunteer",
        mode="web",
        questionnaire_version=round_.questionnaire_version,
        language="zh-hans",
        submitted_at=now(),
        received_at=now(),
    )
    return OpenText.objects.create(
        round=round_, response=response, item="remark", place="remark", shuffle=uuid.uuid4().hex
    )


def test_the_sample_to_check_is_at_least_fifty_and_at_most_three_hundred(open_round):
    volunteer_text(open_round)
    assert len(check_sample(open_round, "remark")) == 1
    response = Response.objects.get()
    OpenText.objects.bulk_create(
        OpenText(round=open_round, response=response, item="remark", place=f"g[{n}].x", shuffle=f"{n:05}")
        for n in range(4000)
    )
    assert len(check_sample(open_round, "remark")) == 300
    OpenText.objects.filter(shuffle__gte="01000").delete()
    assert len(check_sample(open_round, "remark")) == 100
    OpenText.objects.filter(shuffle__gte="00200").delete()
    assert len(check_sample(open_round, "remark")) == 50


def test_a_theme_that_was_used_goes_only_into_another(said, people):
    lead = people["study_lead"]
    lamp = add_theme(round=said, item="remark", label="路灯", acting_user=lead)
    light = add_theme(round=said, item="remark", label="照明", acting_user=lead)
    code_text(text=text_of(said, lead, "楼下"), themes=[lamp.code], acting_user=lead)
    with pytest.raises(Problem):
        retire_theme(theme=lamp, acting_user=lead)
    with pytest.raises(Problem):
        retire_theme(theme=lamp, into=lamp, acting_user=lead)
    retire_theme(theme=lamp, into=light, acting_user=lead)
    assert theme_rows(said)["themes"] == [[light.code]]
    again = add_theme(round=said, item="remark", label="路灯", acting_user=lead)
    assert again.code == 3  # a number that stood for one thing never stands for another


@pytest.mark.parametrize(
    ("item", "label"), [("Q01", "停车"), ("nothing", "停车"), ("remark", " "), ("remark", "字" * 41)]
)
def test_a_theme_needs_an_open_item_and_a_name(open_round, people, item, label):
    with pytest.raises(Problem):
        add_theme(round=open_round, item=item, label=label, acting_user=people["study_lead"])


def test_two_themes_of_one_name_are_refused(open_round, people):
    lead = people["study_lead"]
    add_theme(round=open_round, item="remark", label="停车", acting_user=lead)
    other = add_theme(round=open_round, item="remark", label="路灯", acting_user=lead)
    with pytest.raises(Problem):
        add_theme(round=open_round, item="remark", label=" 停车 ", acting_user=lead)
    with pytest.raises(Problem):
        rename_theme(theme=other, label="停车", acting_user=lead)
    assert rename_theme(theme=other, label="照明", acting_user=lead).label == "照明"


def test_after_the_retention_date_only_the_cleared_wording_is_left(said, people):
    reviewer = people["text_reviewer"]
    review_text(text=text_of(said, reviewer, "停车"), verdict="cleared", acting_user=reviewer)
    Response.objects.update(open_text_cipher=None)
    shown = {each.shown for each in read(reviewer, said, list(texts_of(reviewer, said)))}
    assert shown == {"停车太难了", None}
    assert quotable(said)["wording"] == ["停车太难了"]
