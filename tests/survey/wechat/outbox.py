"""A drawn round, its letters, and WeChat users who opened theirs: what planning and sending are tried on."""

from datetime import timedelta

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact, ContactPlan
from survey.responses.models import Consent, Respondent
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.wechat.identity import remember_user
from survey.wechat.models import OutboundMessage, WeChatAccount, WeChatUser
from survey.wechat.planning import store_plan
from survey.wechat.services import save_account
from tests.residents import make_open_round
from tests.survey.wechat.conftest import APP_ID, SECRET


def steps(*channels: str, **wechat) -> list[dict]:
    """Letter, reminder by these channels (then by letter), door."""
    words = {"channels": list(channels), **wechat}
    if set(channels) - {"custom"}:
        words = {
            "template_id": "tmpl-1",
            "fields": {"thing1": "问卷还没有交"},
            "is_service_notice": True,
            **words,
        }
    return [
        {"step": "letter", "day": 0, "modes": ["letter"]},
        {"step": "reminder", "day": 7, "modes": ["wechat", "letter"], "wechat": words},
        {"step": "door", "day": 14, "modes": ["door"]},
    ]


def set_plan(round_: Round, given: list[dict], **values) -> ContactPlan:
    """The round's plan, without quiet hours: tests run at night, too."""
    midnight = {"quiet_from": "00:00", "quiet_to": "00:00"}
    ContactPlan.objects.filter(round=round_).delete()
    return ContactPlan.objects.create(round=round_, number=1, steps=given, **{**midnight, **values})


def make_account(round_: Round) -> WeChatAccount:
    return save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        callback_token="callbacktoken",
        studies=[round_.study],
        acting_user=SYSTEM,
    )


def lettered_round(region, *, days_ago: int = 8, **values) -> Round:
    """An open round whose households had their letter some days ago."""
    round_ = make_open_round(region, **values)
    at = now() - timedelta(days=days_ago)
    Contact.objects.bulk_create(
        Contact(case=case, mode="letter", at=at, detail={"step": "letter"}) for case in round_.cases.all()
    )
    return round_


def opened_in_wechat(account: WeChatAccount, case: Case, name: str, *, consented=True, **seen) -> WeChatUser:
    """Somebody of this household opened the letter in WeChat; by default she follows and agreed to answer."""
    user = remember_user(account, f"o-{name}", **{"is_follower": True, **seen})
    respondent = Respondent.objects.create(
        round=case.round, case=case, channel="wechat", identity_hash=user.openid_hash, device_hash="d" * 64
    )
    if consented:
        Consent.objects.create(
            round=case.round,
            case=case,
            respondent=respondent,
            text=case.round.consent_text,
            language="zh-hans",
            mode="web",
            given_at=now(),
        )
    Case.objects.filter(pk=case.pk).update(status="opened")
    return user


def planned_message(round_: Round) -> OutboundMessage:
    """Plan the round; its only message."""
    store_plan(round=round_, acting_user=SYSTEM)
    return OutboundMessage.objects.get()
