"""Who gets what and why the others do not: planned once, by the first mode that may reach the household."""

from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.contacts.queries import cases_for_letters
from survey.sampling.models import Case
from survey.wechat import planning
from survey.wechat.models import OutboundMessage, SubscriptionGrant
from survey.wechat.planning import plan_round, store_plan, summarise
from tests.survey.wechat.outbox import lettered_round, make_account, opened_in_wechat, set_plan, steps

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def round_(regions):
    return lettered_round(regions["370105000000"])


@pytest.fixture
def account(round_):
    set_plan(round_, steps("custom", text="请接着答：{link}"))
    return make_account(round_)


def decisions(round_):
    return {decision.case_id: decision for decision in plan_round(round_)}


def test_who_opened_in_wechat_and_may_be_written_to_gets_a_message_the_others_a_letter(round_, account):
    cases = list(round_.cases.order_by("pk"))
    writer = opened_in_wechat(account, cases[0], "writer", last_message_at=now() - timedelta(hours=1))
    opened_in_wechat(account, cases[1], "silent")
    opened_in_wechat(account, cases[2], "out", last_message_at=now(), opted_out_at=now())
    Case.objects.filter(pk=cases[3].pk).update(status="completed")
    Case.objects.filter(pk=cases[4].pk).update(status="refused")
    found = decisions(round_)
    got = found[cases[0].pk]
    assert (got.step, got.mode, got.channel, got.user_id) == ("reminder", "wechat", "custom", writer.pk)
    assert (found[cases[1].pk].mode, found[cases[1].pk].reason) == ("letter", "window_closed")
    assert (found[cases[2].pk].mode, found[cases[2].pk].reason) == ("letter", "opted_out")
    assert (found[cases[3].pk].mode, found[cases[3].pk].reason) == ("", "answered")
    assert (found[cases[4].pk].mode, found[cases[4].pk].reason) == ("", "refused")
    assert (found[cases[5].pk].mode, found[cases[5].pk].reason) == ("letter", "no_wechat")
    summary = summarise(plan_round(round_))
    assert summary.n_households == len(cases) == sum(summary.due.values()) + sum(summary.reasons.values())
    assert summary.reasons == Counter(answered=1, refused=1)


def test_days_count_from_each_households_own_letter(round_, account):
    late, never = round_.cases.order_by("pk")[:2]
    Contact.objects.filter(case=late).update(at=now() - timedelta(days=3))
    Contact.objects.filter(case=never).delete()
    found = decisions(round_)
    assert (found[late.pk].mode, found[late.pk].reason) == ("", "not_yet")
    assert (found[never.pk].step, found[never.pk].mode) == ("letter", "letter")


def test_after_fourteen_days_it_is_the_door(regions):
    round_ = lettered_round(regions["370105000000"], days_ago=15)
    set_plan(round_, steps("custom"))
    assert {(d.step, d.mode) for d in plan_round(round_)} == {("door", "door")}


def test_a_reminder_by_letter_is_a_step_done(round_, account):
    case = round_.cases.first()
    Contact.objects.create(case=case, mode="letter", at=now(), detail={"step": "reminder"})
    assert decisions(round_)[case.pk].reason == "not_yet"


def test_planning_twice_writes_each_message_once(round_, account):
    for number, case in enumerate(round_.cases.order_by("pk")[:3]):
        opened_in_wechat(account, case, str(number), last_message_at=now())
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 3
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 0
    assert OutboundMessage.objects.count() == 3
    message = OutboundMessage.objects.first()
    assert message.state == "planned" and "{link}" in message.body["text"]
    assert "o-0" not in str(OutboundMessage.objects.values())


def test_two_phones_of_a_household_get_one_message_the_later_one(round_, account):
    case = round_.cases.first()
    opened_in_wechat(account, case, "first", last_message_at=now())
    later = opened_in_wechat(account, case, "second", last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    assert OutboundMessage.objects.get().user == later


def test_a_stopped_message_may_be_planned_again_but_a_failed_step_goes_to_the_next_mode(round_, account):
    case = round_.cases.first()
    opened_in_wechat(account, case, "wang", last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    first_id = OutboundMessage.objects.get().client_msg_id
    OutboundMessage.objects.update(state="stopped", reason="opted_out")
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 1
    message = OutboundMessage.objects.get()
    assert (message.state, message.client_msg_id) == ("planned", first_id)
    OutboundMessage.objects.update(state="failed", reason="refused_43004")
    assert (decisions(round_)[case.pk].mode, decisions(round_)[case.pk].reason) == ("letter", "failed")


@pytest.mark.parametrize("state", ["planned", "sending", "sent", "delivered", "unknown"])
def test_a_message_that_may_have_been_sent_is_never_planned_again(round_, account, state):
    case = round_.cases.first()
    opened_in_wechat(account, case, "wang", last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    OutboundMessage.objects.update(state=state, first_called_at=now())
    assert decisions(round_)[case.pk].reason == "not_yet"
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 0


def test_template_and_subscription_follow_consent_and_agreement(round_, account):
    set_plan(round_, steps("subscribe", "template"))
    agreed, consented, neither = round_.cases.order_by("pk")[:3]
    user = opened_in_wechat(account, agreed, "agreed", consented=False)
    SubscriptionGrant.objects.create(user=user, template_id="tmpl-1", n_left=1, changed_at=now())
    opened_in_wechat(account, consented, "consented")
    opened_in_wechat(account, neither, "neither", consented=False)
    found = decisions(round_)
    assert [found[case.pk].channel for case in (agreed, consented, neither)] == ["subscribe", "template", ""]
    assert (found[neither.pk].mode, found[neither.pk].reason) == ("letter", "no_consent")


def test_in_a_pause_nothing_is_planned(round_, account):
    set_plan(round_, steps("custom"), paused_at=now())
    opened_in_wechat(account, round_.cases.first(), "wang", last_message_at=now())
    assert summarise(plan_round(round_)).reasons == Counter(paused=round_.cases.count())
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 0


def test_without_an_account_the_next_mode_takes_over(round_):
    set_plan(round_, steps("custom"))
    summary = summarise(plan_round(round_))
    assert summary.passed_over == Counter(no_account=round_.cases.count())


def test_the_number_of_queries_does_not_grow_with_the_households(round_, account, monkeypatch):
    monkeypatch.setattr(planning, "CHUNK", 3)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            summarise(plan_round(round_))
        return len(seen)

    before = queries()
    for number, case in enumerate(round_.cases.order_by("pk")):
        opened_in_wechat(account, case, str(number), last_message_at=now())
    # The plan (with its savepoint), the account, the two streams; then one chunk of users, in five queries.
    assert before <= 6 and queries() <= before + 5


def test_in_quiet_hours_messages_are_planned_for_the_morning(round_, account):
    local = now().astimezone()
    set_plan(round_, steps("custom"), quiet_from="00:00", quiet_to="23:59:59")
    opened_in_wechat(account, round_.cases.first(), "wang", last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    assert OutboundMessage.objects.get().due_at > local


# --- the commands -----------------------------------------------------------------------------------
def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_dry_run_says_who_and_why_and_writes_nothing(round_, account):
    case = round_.cases.order_by("pk").first()
    opened_in_wechat(account, case, "wang", last_message_at=now())
    Case.objects.filter(pk=round_.cases.last().pk).update(status="completed")
    said = run("plan_contacts", str(round_.pk), "--dry-run", "--list")
    assert f"{case.number}\treminder wechat custom\t" in said
    assert "不联系：已经答完 1 户" in said and "没有在微信里打开过信" in said
    assert not OutboundMessage.objects.exists() and "o-wang" not in said
    assert "新写下 1 条" in run("plan_contacts", str(round_.pk))


def test_the_dry_run_can_look_ahead(round_, account):
    later = (now() + timedelta(days=8)).isoformat()
    assert "door：door" in run("plan_contacts", str(round_.pk), "--dry-run", "--at", later)


def test_the_commands_refuse_what_makes_no_sense(round_):
    for arguments in (
        ("plan_contacts", "0"),
        ("send_due", "0"),
        ("plan_contacts", str(round_.pk), "--at", "x"),
    ):
        with pytest.raises(CommandError):
            run(*arguments)
    round_.state = "draft"
    round_.save(update_fields=["state"])
    with pytest.raises(CommandError):
        run("plan_contacts", str(round_.pk))


@pytest.mark.parametrize(
    ("state", "letters"), [("planned", 0), ("sending", 0), ("sent", 0), ("unknown", 0), ("failed", 1)]
)
def test_a_household_with_a_message_of_a_step_gets_no_letter_of_it_too(round_, account, state, letters):
    case = round_.cases.order_by("pk").first()
    opened_in_wechat(account, case, "wang", last_message_at=now())
    silent = cases_for_letters(round_, step="reminder").count()
    store_plan(round=round_, acting_user=SYSTEM)
    OutboundMessage.objects.update(state=state)
    assert cases_for_letters(round_, step="reminder").filter(pk=case.pk).count() == letters
    assert cases_for_letters(round_, step="reminder").count() == silent - 1 + letters
    assert cases_for_letters(round_, step="second").filter(pk=case.pk).exists(), "another step is another"
    assert cases_for_letters(round_, step="reminder", case_ids=[case.pk]).exists(), "a reprint is a reprint"
