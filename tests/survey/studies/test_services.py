"""Studies and rounds: what may be pinned, when a field may open, and that every deed is recorded."""

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import COMMAND, verify_chain
from survey.common.errors import Problem
from survey.indicators.services import publish_indicator
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.studies.consent import LANGUAGES, PARTS, draft_consent_texts, missing_parts
from survey.studies.models import Round
from survey.studies.services import (
    close_round,
    create_round,
    create_study,
    missing_for_opening,
    open_round,
    pin_round,
    publish_consent_text,
)
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

FACTS = {
    "title": "济南市居民满意度调查",
    "sponsor": "调查组",
    "purpose": "看看哪些事该先办",
    "contact_phone": "0531-12345",
}


@pytest.fixture
def study(regions, lead):
    return create_study(region=regions["370105000000"], scope=[], acting_user=lead, **FACTS)


@pytest.fixture
def version(db):
    questionnaire = Questionnaire.objects.create(code="jn", title="满意度")
    return QuestionnaireVersion.objects.create(
        questionnaire=questionnaire, number=1, state="published", document={}, document_hash="0" * 64
    )


@pytest.fixture
def indicator(lead):
    return publish_indicator(
        code="satisfied",
        name="满意率",
        kind="share",
        definition={"items": [{"name": "S01"}], "top_codes": ["4", "5"]},
        acting_user=lead,
    )


def texts_of(study):
    return draft_consent_texts(sponsor=study.sponsor, purpose=study.purpose, phone=study.contact_phone)


def pin(study, version, indicator, lead, round_=None):
    consent = publish_consent_text(study=study, texts=texts_of(study), acting_user=lead)
    return pin_round(
        round=round_ or create_round(study=study, name="2026 年下半年", acting_user=lead),
        questionnaire_version=version,
        indicator_versions=[indicator],
        consent_text=consent,
        modes=["web", "door"],
        acting_user=lead,
    )


def test_a_study_without_parts_covers_its_whole_region_and_leaves_an_entry(study, regions):
    assert list(study.scope.all()) == [regions["370105000000"]]
    assert study.population == "18 岁及以上常住居民"
    entry = AuditEntry.objects.get(action="studies.study.created")
    assert (entry.object_id, entry.region_code) == (str(study.pk), "370105000000")


def test_a_part_outside_the_region_is_refused(regions, lead):
    with pytest.raises(Problem) as refusal:
        create_study(
            region=regions["370105000000"],
            scope=[regions["370104001000"]],
            acting_user=lead,
            **FACTS,
        )
    assert "振兴街街道" in refusal.value.message


@pytest.mark.parametrize("field", ["title", "sponsor", "purpose", "contact_phone"])
def test_a_study_says_who_asks_why_and_whom_to_call(regions, lead, field):
    with pytest.raises(Problem, match="请填"):
        create_study(region=regions["370105000000"], scope=[], acting_user=lead, **{**FACTS, field: "  "})


def test_a_lead_of_another_district_makes_no_study_here(regions):
    other = factories.make_user("he", "study_lead", regions["370104000000"])
    with pytest.raises(Problem) as refusal:
        create_study(region=regions["370105000000"], scope=[], acting_user=other, **FACTS)
    assert refusal.value.code == "common.forbidden"


def test_the_draft_of_the_consent_text_has_every_part_in_every_language(study):
    texts = texts_of(study)
    assert set(texts) == set(LANGUAGES)
    assert all(set(parts) == set(PARTS) for parts in texts.values())
    assert missing_parts(texts) == []
    everything = "".join("".join(parts.values()) for parts in texts.values())
    assert "{" not in everything
    assert "匿名" not in everything
    assert "保密" in texts["zh-hans"]["kept"]
    assert all("0531-12345" in parts["rights"] for parts in texts.values())


def test_the_draft_carries_the_lawful_form_header_where_there_is_one(study):
    texts = draft_consent_texts(
        sponsor="统计局", purpose="看看", phone="1", form_number="JN-01", approval_number="鲁统备〔2026〕3 号"
    )
    assert "表号 JN-01" in texts["zh-hans"]["who"]
    assert "鲁统备〔2026〕3 号" in texts["zh-hans"]["who"]


def test_a_consent_text_with_an_empty_part_is_refused_by_name(study, lead):
    texts = texts_of(study)
    texts["zh-hant"]["rights"] = " "
    with pytest.raises(Problem, match=r"zh-hant\.rights"):
        publish_consent_text(study=study, texts=texts, acting_user=lead)


def test_the_same_consent_text_is_one_version_and_another_is_the_next(study, lead):
    first = publish_consent_text(study=study, texts=texts_of(study), acting_user=lead)
    again = publish_consent_text(study=study, texts=texts_of(study), acting_user=lead)
    changed = texts_of(study)
    changed["zh-hans"]["lead"] = "请您说几句"
    second = publish_consent_text(study=study, texts=changed, acting_user=lead)
    assert again == first
    assert (first.number, second.number) == (1, 2)
    first.refresh_from_db()
    assert first.texts["zh-hans"]["lead"] == "想听听您的看法"


def test_rounds_are_numbered_and_dates_must_be_in_order(study, lead):
    first = create_round(study=study, name="上半年", acting_user=lead)
    second = create_round(study=study, name="下半年", acting_user=lead)
    assert (first.number, second.number) == (1, 2)
    with pytest.raises(Problem, match="早于"):
        create_round(study=study, name="三", opens_on="2026-12-01", closes_on="2026-11-01", acting_user=lead)


def test_a_draft_questionnaire_cannot_be_pinned(study, version, indicator, lead):
    draft = QuestionnaireVersion.objects.create(
        questionnaire=version.questionnaire, number=2, document={}, document_hash="1" * 64
    )
    with pytest.raises(Problem, match="草稿"):
        pin(study, draft, indicator, lead)


def test_another_studys_consent_text_cannot_be_pinned(study, version, indicator, lead, regions):
    other = create_study(region=regions["370105000000"], scope=[], acting_user=lead, **FACTS)
    consent = publish_consent_text(study=other, texts=texts_of(other), acting_user=lead)
    with pytest.raises(Problem, match="不是这个项目"):
        pin_round(
            round=create_round(study=study, name="一", acting_user=lead),
            questionnaire_version=version,
            indicator_versions=[indicator],
            consent_text=consent,
            modes=["web"],
            acting_user=lead,
        )


@pytest.mark.parametrize("modes", [[], ["web", "phone"]])
def test_only_known_modes_can_be_pinned(study, version, indicator, lead, modes):
    round_ = pin(study, version, indicator, lead)
    with pytest.raises(Problem, match="填答方式"):
        pin_round(
            round=round_,
            questionnaire_version=version,
            indicator_versions=[indicator],
            consent_text=round_.consent_text,
            modes=modes,
            acting_user=lead,
        )


def test_an_empty_round_lists_all_that_it_lacks_and_does_not_open(study, lead):
    round_ = create_round(study=study, name="一", modes=[], acting_user=lead)
    assert len(missing_for_opening(round_)) == 5
    with pytest.raises(Problem) as refusal:
        open_round(round=round_, acting_user=lead)
    assert refusal.value.code == "study.not_ready"
    assert len(refusal.value.errors) == 5
    assert "还没有抽样" in refusal.value.message
    round_.refresh_from_db()
    assert round_.state == Round.State.DRAFT


def test_a_round_with_everything_opens_once_closes_once_and_stays_closed(version, indicator, lead, regions):
    round_ = factories.make_drawn_round(regions["370105000000"])
    pin(round_.study, version, indicator, lead, round_)
    assert missing_for_opening(round_) == []
    open_round(round=round_, acting_user=lead)
    open_round(round=round_, acting_user=lead)
    assert round_.state == Round.State.OPEN
    close_round(round=round_, acting_user=lead)
    close_round(round=round_, acting_user=lead)
    assert round_.state == Round.State.CLOSED
    with pytest.raises(Problem, match="不能再开"):
        open_round(round=round_, acting_user=lead)
    actions = AuditEntry.objects.filter(object_type="studies.round").values_list("action", flat=True)
    assert sorted(actions) == ["studies.round.closed", "studies.round.opened", "studies.round.pinned"]


def test_what_is_pinned_does_not_change_once_the_field_is_open(version, indicator, lead, regions):
    round_ = factories.make_drawn_round(regions["370105000000"])
    pin(round_.study, version, indicator, lead, round_)
    open_round(round=round_, acting_user=lead)
    with pytest.raises(Problem) as refusal:
        pin(round_.study, version, indicator, lead, round_)
    assert refusal.value.code == "common.locked"


def test_a_round_that_never_opened_cannot_close(study, lead):
    with pytest.raises(Problem, match="还没有开始收卷"):
        close_round(round=create_round(study=study, name="一", acting_user=lead), acting_user=lead)


@pytest.mark.parametrize("role", ["supervisor", "interviewer", "analyst", "official"])
def test_only_leads_and_administrators_open_a_round(regions, role):
    round_ = factories.make_drawn_round(regions["370105000000"])
    user = factories.make_user("x", role, regions["370100000000"])
    with pytest.raises(Problem) as refusal:
        open_round(round=round_, acting_user=user)
    assert refusal.value.code == "common.forbidden"


@pytest.mark.parametrize("role", ["interviewer", "analyst", "official"])
def test_who_supervises_the_field_closes_it_and_nobody_below(regions, role):
    round_ = factories.make_drawn_round(regions["370105000000"], state="open")
    with pytest.raises(Problem) as refusal:
        close_round(round=round_, acting_user=factories.make_user("x", role, regions["370100000000"]))
    assert refusal.value.code == "common.forbidden"
    supervisor = factories.make_user("s", "supervisor", regions["370100000000"])
    assert close_round(round=round_, acting_user=supervisor).state == Round.State.CLOSED


def test_commands_act_without_an_account_and_are_recorded_as_such(regions):
    create_study(region=regions["370105000000"], scope=[], acting_user=COMMAND, **FACTS)
    assert AuditEntry.objects.get(action="studies.study.created").actor_name == "command line"
    assert verify_chain() == (1, "")
