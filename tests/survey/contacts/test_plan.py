"""The plan of contacts: what it may say, what is due when, and that it stands once the field has begun."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.errors import Problem
from survey.contacts.models import ContactPlan
from survey.contacts.plan import DEFAULT_STEPS, PlanError, due_step, next_allowed, read_steps
from survey.contacts.services import current_plan, pause_contacts, resume_contacts, save_contact_plan
from tests import factories

LETTER = {"step": "letter", "day": 0, "modes": ["letter"]}
START = date(2026, 11, 1)


def wechat(**words):
    return {"step": "reminder", "day": 7, "modes": ["wechat"], "wechat": words}


def test_the_default_is_letter_then_seven_then_fourteen_days():
    steps = read_steps(DEFAULT_STEPS)
    assert [(step.name, step.day, step.modes) for step in steps] == [
        ("letter", 0, ("letter",)),
        ("reminder", 7, ("wechat", "letter")),
        ("door", 14, ("door",)),
    ]


def test_older_rounds_plans_without_modes_are_read():
    steps = read_steps(
        [{"step": "letter", "day": 0}, {"step": "reminder", "day": 7}, {"step": "door", "day": 14}]
    )
    assert [step.modes for step in steps] == [("letter",), ("letter",), ("door",)]


@pytest.mark.parametrize(
    ("steps", "where", "reason"),
    [
        ([], 0, "empty"),
        ("letter", 0, "empty"),
        ([LETTER] * 13, 0, "many"),
        ([LETTER, LETTER], 2, "twice"),
        ([LETTER, {"step": "Reminder!", "day": 7}], 2, "name"),
        ([LETTER, {"step": "reminder", "day": -1}], 2, "day"),
        ([LETTER, {"step": "reminder", "day": True}], 2, "day"),
        ([LETTER, {"step": "a", "day": 9}, {"step": "b", "day": 7}], 3, "order"),
        ([{"step": "reminder", "day": 7}], 1, "first"),
        ([{"step": "door", "day": 0}], 1, "first"),
        ([LETTER, {"step": "a", "day": 1, "modes": ["sms"]}], 2, "mode"),
        ([LETTER, {"step": "a", "day": 1, "modes": []}], 2, "mode"),
        ([LETTER, wechat(channels=["sms"])], 2, "channel"),
        ([LETTER, wechat(text="没有链接")], 2, "link"),
        ([LETTER, wechat(text="长{link}" + "长" * 600)], 2, "text"),
        ([LETTER, wechat(channels=["subscribe"])], 2, "template"),
        ([LETTER, wechat(channels=["subscribe"], template_id="t")], 2, "fields"),
        (
            [LETTER, wechat(channels=["subscribe"], template_id="t", fields={"thing1": "长" * 21})],
            2,
            "fields",
        ),
        ([LETTER, wechat(channels=["subscribe"], template_id="t", fields={"thing1": "两\n行"})], 2, "fields"),
        ([LETTER, wechat(channels=["template"], template_id="t", fields={"thing1": "好"})], 2, "notice"),
    ],
)
def test_a_plan_that_cannot_stand_says_where_and_why(steps, where, reason):
    with pytest.raises(PlanError) as refusal:
        read_steps(steps)
    assert (refusal.value.step, refusal.value.reason) == (where, reason)


def test_a_step_is_due_from_its_day_on_until_it_is_done():
    steps = read_steps(DEFAULT_STEPS)

    def due(day, *done):
        step = due_step(steps, first_letter=START, today=START + timedelta(days=day), done=frozenset(done))
        return step.name if step else None

    assert due(0) == "letter" and due(0, "letter") is None and due(6, "letter") is None
    assert due(7, "letter") == "reminder" and due(13, "letter") == "reminder"
    assert due(7, "letter", "reminder") is None
    assert due(14, "letter", "reminder") == "door"
    assert due(20, "letter") == "door"  # a missed reminder is not made up for


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    quiet_from=st.times(),
    quiet_to=st.times(),
)
def test_the_next_allowed_moment_is_never_quiet_never_earlier_and_less_than_a_day_away(
    moment, quiet_from, quiet_to
):
    allowed = next_allowed(moment, quiet_from, quiet_to)
    assert moment <= allowed < moment + timedelta(days=1, seconds=1)
    assert next_allowed(allowed, quiet_from, quiet_to) == allowed


@pytest.mark.parametrize(
    ("clock", "allowed"),
    [("20:59", "20:59"), ("21:00", "08:30"), ("23:59", "08:30"), ("00:10", "08:30"), ("08:30", "08:30")],
)
def test_nobodys_phone_rings_at_night(clock, allowed):
    moment = datetime.combine(START, time.fromisoformat(clock))
    found = next_allowed(moment, time(21, 0), time(8, 30))
    assert found.time() == time.fromisoformat(allowed)
    assert found.date() == START + timedelta(days=1 if clock >= "21:00" else 0)


# --- kept for each round ------------------------------------------------------------------------------
@pytest.fixture
def draft(regions):
    return factories.make_round(factories.make_study(regions["370105000000"]))


@pytest.mark.django_db
@pytest.mark.database
def test_a_plan_is_versioned_and_the_same_plan_is_no_new_version(draft, lead):
    first = save_contact_plan(round=draft, steps=DEFAULT_STEPS, acting_user=lead)
    assert save_contact_plan(round=draft, steps=DEFAULT_STEPS, acting_user=lead) == first
    second = save_contact_plan(round=draft, steps=[LETTER], acting_user=lead)
    assert (first.number, second.number) == (1, 2) and current_plan(draft) == second
    assert AuditEntry.objects.filter(action="contacts.plan.saved").count() == 2


@pytest.mark.django_db
@pytest.mark.database
def test_a_bad_plan_is_refused_in_words(draft, lead):
    with pytest.raises(Problem) as refusal:
        save_contact_plan(round=draft, steps=[LETTER, wechat(text="x")], acting_user=lead)
    assert "第 2 步" in refusal.value.message and "{link}" in refusal.value.message
    assert not ContactPlan.objects.exists()


@pytest.mark.django_db
@pytest.mark.database
def test_once_the_field_has_begun_the_plan_stands(draft, lead):
    draft.state = "open"
    draft.save(update_fields=["state"])
    with pytest.raises(Problem) as refusal:
        save_contact_plan(round=draft, steps=DEFAULT_STEPS, acting_user=lead)
    assert refusal.value.code == "common.locked"


@pytest.mark.django_db
@pytest.mark.database
def test_a_round_without_a_version_follows_what_it_says_itself_or_the_default(regions):
    study = factories.make_study(regions["370105000000"])
    told = factories.make_round(
        study, contact_plan=[{"step": "letter", "day": 0}, {"step": "door", "day": 9}]
    )
    assert [step["step"] for step in current_plan(told).steps] == ["letter", "door"]
    assert current_plan(told).number == 1
    silent = factories.make_round(factories.make_study(regions["370104000000"]))
    assert current_plan(silent).steps == DEFAULT_STEPS


@pytest.mark.django_db
@pytest.mark.database
def test_a_pause_can_be_set_and_lifted_during_the_field(draft, lead):
    assert pause_contacts(round=draft, acting_user=lead).paused_at is not None
    assert resume_contacts(round=draft, acting_user=SYSTEM).paused_at is None
    actions = AuditEntry.objects.values_list("action", flat=True)
    assert {"contacts.plan.paused", "contacts.plan.resumed"} <= set(actions)
