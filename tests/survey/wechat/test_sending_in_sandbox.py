"""Sending against the sandbox, whose rules are the protocol file's: what arrives in chats, whatever fails."""

import random
from datetime import timedelta

import pytest
from django.db.models import F

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.responses.models import Consent, Respondent
from survey.sampling.models import Case
from survey.wechat import mass, sending
from survey.wechat.identity import remember_user
from survey.wechat.models import MassSend, OutboundMessage, SendBudget, SubscriptionGrant
from survey.wechat.planning import plan_round, store_plan
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.outbox import lettered_round, make_account, set_plan, steps

pytestmark = [pytest.mark.django_db, pytest.mark.database]
PEOPLE = {f"r{number}": f"住户{number}" for number in range(8)}
FAULTS = [("drop", 0), ("drop_after", 0), ("garble", 0), ("error", -1), ("error", 45009), ("error", 45011)]


@pytest.fixture
def round_(regions):
    return lettered_round(regions["370105000000"])


@pytest.fixture
def account(round_, sandbox, settings):
    """The sandbox's account, its eight followers, each with a household of the round."""
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = sandbox.url
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["testserver"])
    sandbox.control.add_residents(PEOPLE)
    account = make_account(round_)
    for name, case in zip(PEOPLE, round_.cases.order_by("pk"), strict=False):
        sandbox.control.follow(APP_ID, name)
        user = remember_user(account, sandbox.control.openid(APP_ID, name), is_follower=True)
        respondent = Respondent.objects.create(
            round=round_, case=case, channel="wechat", identity_hash=user.openid_hash
        )
        Consent.objects.create(
            round=round_,
            case=case,
            respondent=respondent,
            text=round_.consent_text,
            language="zh-hans",
            mode="web",
            given_at=now(),
        )
        Case.objects.filter(pk=case.pk).update(status="opened")
    return account


def use(round_, sandbox, *channels):
    """A plan whose template the account has chosen."""
    words = {}
    if {"subscribe", "template"} & set(channels):
        kind = "subscribe" if "subscribe" in channels else "template"
        template = sandbox.control.add_template(APP_ID, kind, "问卷进度", "进度：{{thing1.DATA}}")
        words = {"template_id": template}
    set_plan(round_, steps(*channels, **words))
    return words.get("template_id", "")


def wrote(account, sandbox, *names):
    """These wrote to the account: there, and as the site knows from their pushes."""
    for name in names:
        sandbox.control.say(APP_ID, name, "你好")
        remember_user(account, sandbox.control.openid(APP_ID, name), last_message_at=now())


def shown(sandbox):
    """Resident → how many messages of the account her chat shows."""
    chats = {name: sandbox.control.chat(APP_ID, name) for name in PEOPLE}
    return {name: sum(1 for line in chat if line["from_account"]) for name, chat in chats.items()}


def go_on(rounds=1):
    """So many looks, with minutes between them for the calls, and every rest over."""
    for _ in range(rounds):
        sending.send_due()
        mass.send_mass_due()
        for name in ("called_at", "first_called_at", "due_at"):
            OutboundMessage.objects.update(**{name: F(name) - timedelta(minutes=2)})
        SendBudget.objects.update(rests_until=None)


def states():
    return sorted(OutboundMessage.objects.values_list("state", flat=True))


def test_a_template_message_is_in_every_chat_once(round_, account, sandbox):
    use(round_, sandbox, "template")
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 8
    go_on(3)
    assert set(shown(sandbox).values()) == {1} and set(states()) == {"sent"}


def test_who_wrote_gets_a_message_and_the_others_a_letter(round_, account, sandbox):
    use(round_, sandbox, "custom")
    wrote(account, sandbox, "r0", "r1")
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 2
    go_on(2)
    assert shown(sandbox) == {name: int(name in ("r0", "r1")) for name in PEOPLE}
    assert {decision.mode for decision in plan_round(round_) if decision.step} == {"letter"}


def test_what_the_site_believes_and_wechat_does_not_fails_once_and_becomes_a_letter(round_, account, sandbox):
    """The site's idea of a window or a follower may be wrong: WeChat's word counts."""
    use(round_, sandbox, "custom")
    sandbox.control.advance(120)  # the minute after following is over
    user = remember_user(account, sandbox.control.openid(APP_ID, "r0"), last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    go_on(3)
    message = OutboundMessage.objects.get()
    assert (message.state, message.errcode) == ("failed", 45015)
    assert sandbox.control.calls(APP_ID)["/cgi-bin/message/custom/send"] == 1
    (mine,) = [d for d in plan_round(round_) if d.case_id == message.case_id]
    assert (mine.mode, mine.reason, user.pk) == ("letter", "failed", message.user_id)


def test_one_agreement_is_one_message(round_, account, sandbox):
    template = use(round_, sandbox, "subscribe")
    sandbox.control.subscribe(APP_ID, "r0", template)
    for name in ("r0", "r1"):  # r1 never agreed; the site is mistaken
        user = remember_user(account, sandbox.control.openid(APP_ID, name))
        SubscriptionGrant.objects.create(user=user, template_id=template, n_left=1, changed_at=now())
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 2
    go_on(2)
    assert states() == ["failed", "sent"] and shown(sandbox)["r0"] == 1
    assert set(SubscriptionGrant.objects.values_list("n_left", flat=True)) == {0}


@pytest.mark.parametrize("channel", ["template", "custom"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_nobody_is_written_to_twice_and_nothing_is_left_without_a_word(
    round_, account, sandbox, channel, seed
):
    random_ = random.Random(seed)
    use(round_, sandbox, channel)
    if channel == "custom":
        wrote(account, sandbox, *PEOPLE)
    store_plan(round=round_, acting_user=SYSTEM)
    for kind, value in random_.choices(FAULTS, k=10):
        sandbox.control.add_fault(f"/cgi-bin/message/{channel}/send", kind, value)
    go_on(14)
    counts = shown(sandbox)
    assert max(counts.values()) <= 1
    assert set(states()) <= {"sent", "unknown", "failed"}
    for message in OutboundMessage.objects.exclude(state="sent"):
        assert message.reason in ("no_answer", "busy"), "what was not sent says why"
    for message in OutboundMessage.objects.filter(state="sent").select_related("user"):
        name = next(
            n for n in PEOPLE if remember_user(account, sandbox.control.openid(APP_ID, n)) == message.user
        )
        assert counts[name] == 1


def test_not_even_a_busy_that_was_none_doubles_what_carries_an_id(round_, account, sandbox):
    """Should "busy" once be said of a message that was taken, Tencent knows the second call by its id."""
    use(round_, sandbox, "template")
    store_plan(round=round_, acting_user=SYSTEM)
    sandbox.control.add_fault("/cgi-bin/message/template/send", "error_after", -1, 3)
    go_on(8)
    assert set(shown(sandbox).values()) == {1} and set(states()) == {"sent"}
    assert OutboundMessage.objects.filter(n_busy__gt=0).exists()


def test_a_message_that_carries_no_id_is_refused_by_busy_and_sent_once(round_, account, sandbox):
    use(round_, sandbox, "custom")
    wrote(account, sandbox, *PEOPLE)
    store_plan(round=round_, acting_user=SYSTEM)
    sandbox.control.add_fault("/cgi-bin/message/custom/send", "error", -1, 3)
    go_on(8)
    assert set(shown(sandbox).values()) == {1} and set(states()) == {"sent"}


# --- mass messages --------------------------------------------------------------------------------------
MASS = "/cgi-bin/message/mass/send"


def test_a_mass_message_is_one_call_with_one_text_for_all(round_, account, sandbox):
    use(round_, sandbox, "mass")
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 8
    go_on(3)
    assert sandbox.control.calls(APP_ID)[MASS] == 1
    assert set(shown(sandbox).values()) == {1} and set(states()) == {"sent"}
    (line,) = [line for line in sandbox.control.chat(APP_ID, "r3") if line["from_account"]]
    assert "/s/" in str(line["content"]) and "{link}" not in str(line["content"])


def test_who_had_four_this_month_gets_a_letter(round_, account, sandbox):
    use(round_, sandbox, "mass")
    user = remember_user(account, sandbox.control.openid(APP_ID, "r0"))
    for number in range(4):
        OutboundMessage.objects.create(
            account=account,
            user=user,
            step=f"earlier{number}",
            channel="mass",
            state="sent",
            client_msg_id=str(number),
            planned_at=now(),
            due_at=now(),
            called_at=now(),
        )
    decisions = {decision.user_id: decision for decision in plan_round(round_) if decision.mode == "wechat"}
    assert len(decisions) == 7 and user.pk not in decisions
    assert [d.reason for d in plan_round(round_) if d.reason == "mass_used"] == ["mass_used"]


def test_a_list_of_one_becomes_a_letter(round_, account, sandbox):
    use(round_, sandbox, "mass")
    Case.objects.filter(status="opened").exclude(pk=round_.cases.order_by("pk").first().pk).update(
        status="completed"
    )
    store_plan(round=round_, acting_user=SYSTEM)
    go_on()
    assert MASS not in sandbox.control.calls(APP_ID)
    message = OutboundMessage.objects.get()
    assert (message.state, message.reason) == ("failed", "too_few")


@pytest.mark.parametrize(
    ("kind", "value", "calls"),
    [("drop_after", 0, 2), ("drop", 0, 1), ("garble", 0, 1), ("error", -1, 1), ("error_after", -1, 2)],
)
def test_a_mass_message_that_went_wrong_goes_out_under_its_own_id_and_reaches_each_once(
    round_, account, sandbox, kind, value, calls
):
    use(round_, sandbox, "mass")
    store_plan(round=round_, acting_user=SYSTEM)
    sandbox.control.add_fault(MASS, kind, value)
    go_on(4)
    assert set(states()) == {"sent"} and set(shown(sandbox).values()) == {1}
    assert sandbox.control.calls(APP_ID)[MASS] == calls  # those that reached Tencent's books
    assert MassSend.objects.get().n_listed == 8


def test_who_answered_meanwhile_is_left_out_when_a_list_goes_out_again(round_, account, sandbox):
    use(round_, sandbox, "mass")
    store_plan(round=round_, acting_user=SYSTEM)
    sandbox.control.add_fault(MASS, "error", 45009)
    go_on()
    Case.objects.filter(pk=round_.cases.order_by("pk").first().pk).update(status="completed")
    go_on(2)
    assert sorted(shown(sandbox).values()) == [0] + [1] * 7
    assert MassSend.objects.get().n_listed == 7
    assert states() == ["sent"] * 7 + ["stopped"]


def test_a_list_of_unknown_outcome_is_repeated_for_eight_minutes_only(round_, account, sandbox):
    use(round_, sandbox, "mass")
    store_plan(round=round_, acting_user=SYSTEM)
    sandbox.control.add_fault(MASS, "drop", 0)
    mass.send_mass_due()
    for name in ("called_at", "first_called_at"):
        OutboundMessage.objects.update(**{name: F(name) - sending.SAME_ID_WITHIN})
    go_on(3)
    assert set(states()) == {"unknown"} and set(shown(sandbox).values()) == {0}
