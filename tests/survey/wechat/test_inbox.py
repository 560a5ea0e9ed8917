"""What received pushes lead to: followers, windows, leaving; each once, in order, whatever fails."""

from datetime import timedelta

import pytest
from django.test import Client

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.responses.models import Respondent, SavedDraft
from survey.wechat import inbox
from survey.wechat.identity import OPENID_PURPOSE, hash_openid, remember_user
from survey.wechat.models import ReceivedPush, SubscriptionGrant, WeChatUser
from survey.wechat.receiving import accounts
from survey.wechat.services import save_account
from tests.residents import make_open_round
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.pushes import TOKEN, Tencent, event, text

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def account():
    accounts.clear()
    return save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        callback_token=TOKEN,
        acting_user=SYSTEM,
    )


@pytest.fixture
def tencent(account):
    return Tencent(Client(), "jinan", APP_ID)


def arrive(tencent, *pushes):
    for push in pushes:
        assert tencent.post(push).status_code == 200
    inbox.handle_pending()


def test_a_follower_is_remembered_by_cipher_and_hash_only(tencent, account):
    arrive(tencent, event("o-wang", "subscribe", EventKey=""))
    user = WeChatUser.objects.get()
    assert user.is_follower and user.last_touch_at is not None and user.last_message_at is None
    assert decrypt(user.openid_cipher, OPENID_PURPOSE) == "o-wang"
    assert user.openid_hash == hash_openid(account, "o-wang")
    assert ReceivedPush.objects.get().state == "handled"


def test_a_message_opens_the_long_window_and_a_click_the_short_one(tencent):
    arrive(tencent, text("o-wang", "在吗"))
    assert WeChatUser.objects.get().last_message_at is not None
    arrive(tencent, event("o-zhao", "CLICK", EventKey="about"), event("o-li", "VIEW", EventKey="http://a.cn"))
    assert WeChatUser.objects.filter(last_touch_at__isnull=False).count() == 1
    assert WeChatUser.objects.count() == 2  # VIEW is no reason to keep anybody


def test_an_event_that_nobody_knows_is_kept_and_called_unknown(tencent):
    arrive(tencent, event("o-wang", "a_new_event_of_2027", Something="x"))
    push = ReceivedPush.objects.get()
    assert (push.state, push.kind) == ("unknown", "event:a_new_event_of_2027")
    assert '"Something": "x"' in decrypt(push.content_cipher, inbox.CONTENT_PURPOSE)


def test_unfollowing_destroys_the_openid_and_everything_she_wrote(tencent, account):
    arrive(tencent, event("o-wang", "subscribe"), text("o-wang", "我家在三楼"))
    SubscriptionGrant.objects.create(
        user=WeChatUser.objects.get(), template_id="t", n_left=1, changed_at=now()
    )
    arrive(tencent, event("o-wang", "unsubscribe"))
    assert not WeChatUser.objects.exists() and not SubscriptionGrant.objects.exists()
    for push in ReceivedPush.objects.exclude(kind="event:unsubscribe"):
        assert bytes(push.content_cipher) == b"" and push.openid_hash == ""


def test_a_late_event_does_not_bring_somebody_back_who_left(tencent):
    before, after = int(now().timestamp()) - 20, int(now().timestamp()) - 5
    arrive(tencent, event("o-wang", "unsubscribe", CreateTime=after))
    arrive(tencent, event("o-wang", "subscribe", CreateTime=before))
    assert not WeChatUser.objects.exists()
    arrive(tencent, event("o-wang", "subscribe", CreateTime=after + 2))
    assert WeChatUser.objects.get().is_follower


def test_a_withdrawn_authorisation_is_about_openid_not_about_the_sender(tencent, account, regions):
    round_ = make_open_round(regions["370105000000"])
    user = remember_user(account, "o-wang")
    respondent = Respondent.objects.create(
        round=round_,
        case=round_.cases.first(),
        channel="wechat",
        identity_hash=user.openid_hash,
        device_hash="d" * 64,
    )
    SavedDraft.objects.create(
        client_id="00000000-0000-4000-8000-000000000001",
        respondent=respondent,
        sequence=1,
        document_hash="h",
        content_cipher=b"x",
        saved_at=now(),
        received_at=now(),
    )
    arrive(
        tencent,
        event("o-platform", "user_authorization_revoke", OpenID="o-wang", AppID=APP_ID, RevokeInfo="1"),
    )
    respondent.refresh_from_db()
    assert (respondent.identity_hash, respondent.device_hash) == ("", "")
    assert not WeChatUser.objects.exists() and not SavedDraft.objects.exists()


def test_unfollowing_leaves_the_answers_identity_to_the_rounds_date(tencent, account, regions):
    round_ = make_open_round(regions["370105000000"])
    user = remember_user(account, "o-wang", is_follower=True)
    Respondent.objects.create(
        round=round_, case=round_.cases.first(), channel="wechat", identity_hash=user.openid_hash
    )
    arrive(tencent, event("o-wang", "unsubscribe"))
    assert Respondent.objects.get().identity_hash


@pytest.mark.parametrize("word", ["退订", " td ", "T", "不要再发。", "“退订”"])
def test_the_way_out_is_one_word(tencent, word):
    answer = tencent.read(tencent.post(text("o-wang", word)))
    assert "恢复" in answer["Content"]
    inbox.handle_pending()
    assert WeChatUser.objects.get().opted_out_at is not None
    arrive(tencent, text("o-wang", "恢复"))
    assert WeChatUser.objects.get().opted_out_at is None


def test_a_word_inside_a_sentence_stops_nothing(tencent):
    arrive(tencent, text("o-wang", "怎么退订报纸"))
    assert WeChatUser.objects.get().opted_out_at is None


@pytest.fixture
def failing():
    """A handler of a kind of its own that fails until it is told not to."""
    state = {"fails": True, "seen": 0}

    @inbox.on_push("event:test_failing")
    def handler(account, fields, push):
        remember_user(account, "o-half-done")
        state["seen"] += 1
        if state["fails"]:
            raise RuntimeError("not today")

    yield state
    inbox._HANDLERS.pop("event:test_failing")


def test_failed_work_leaves_nothing_half_done_and_is_tried_again_later(tencent, failing):
    arrive(tencent, event("o-wang", "test_failing"))
    push = ReceivedPush.objects.get()
    assert (push.state, push.attempts, push.last_error) == ("pending", 1, "RuntimeError")
    assert push.next_try_at > now() and not WeChatUser.objects.exists()
    assert inbox.handle_pending() == 0
    failing["fails"] = False
    ReceivedPush.objects.update(next_try_at=now())
    inbox.handle_pending()
    assert ReceivedPush.objects.get().state == "handled" and WeChatUser.objects.exists()


def test_work_that_always_fails_ends_as_failed_with_its_content_kept(tencent, failing):
    arrive(tencent, event("o-wang", "test_failing"))
    for _ in range(inbox.MAX_ATTEMPTS):
        ReceivedPush.objects.update(next_try_at=now())
        inbox.handle_pending()
    push = ReceivedPush.objects.get()
    assert push.state == "failed" and failing["seen"] == inbox.MAX_ATTEMPTS and bytes(push.content_cipher)


def fail_for_good(tencent):
    arrive(tencent, event("o-wang", "test_failing"))
    for _ in range(inbox.MAX_ATTEMPTS):
        ReceivedPush.objects.update(next_try_at=now())
        inbox.handle_pending()
    return ReceivedPush.objects.get()


def test_what_failed_is_worked_on_again_when_somebody_says_so(tencent, account, failing):
    push = fail_for_good(tencent)
    assert list(inbox.unsettled(account)) == [push] and inbox.may_process_again(push)
    failing["fails"] = False
    inbox.process_again(push=push, acting_user=SYSTEM)
    assert list(inbox.unsettled(account)) == [push], "it still waits"
    inbox.handle_pending()
    push.refresh_from_db()
    assert (push.state, push.last_error) == ("handled", "") and not inbox.unsettled(account).exists()
    entry = AuditEntry.objects.get(action="wechat.push.again")
    assert entry.detail["kind"] == "event:test_failing" and entry.detail["error"] == "RuntimeError"
    with pytest.raises(Problem, match="不用再处理"):
        inbox.process_again(push=push, acting_user=SYSTEM)
    assert failing["seen"] == inbox.MAX_ATTEMPTS + 1


def test_what_fails_again_ends_as_failed_again(tencent, account, failing):
    push = fail_for_good(tencent)
    inbox.process_again(push=push, acting_user=SYSTEM)
    for _ in range(inbox.MAX_ATTEMPTS):
        ReceivedPush.objects.update(next_try_at=now())
        inbox.handle_pending()
    push.refresh_from_db()
    assert (push.state, push.attempts) == ("failed", inbox.MAX_ATTEMPTS)


def test_a_destroyed_content_and_a_kind_that_is_still_unknown_are_not_worked_on_again(
    tencent, account, failing
):
    push = fail_for_good(tencent)
    ReceivedPush.objects.update(content_cipher=b"")
    push.refresh_from_db()
    assert not inbox.may_process_again(push)
    arrive(tencent, event("o-zhao", "a_new_event_of_2027"))
    unknown = ReceivedPush.objects.get(state="unknown")
    assert not inbox.may_process_again(unknown) and inbox.unsettled(account).count() == 2
    with pytest.raises(Problem):
        inbox.process_again(push=unknown, acting_user=SYSTEM)


def test_a_kind_that_the_program_has_learned_can_be_worked_on(tencent, account, failing):
    failing["fails"] = False
    arrive(tencent, event("o-wang", "test_failing"))
    ReceivedPush.objects.update(state="unknown")  # as a version before would have left it
    push = ReceivedPush.objects.get()
    assert inbox.may_process_again(push)
    inbox.process_again(push=push, acting_user=SYSTEM)
    inbox.handle_pending()
    push.refresh_from_db()
    assert push.state == "handled" and failing["seen"] == 2


def test_one_users_pushes_wait_for_each_other_and_nobody_elses_do(tencent, failing):
    arrive(tencent, event("o-wang", "test_failing"), text("o-wang", "后面"), text("o-zhao", "别人"))
    states = dict(ReceivedPush.objects.order_by("pk").values_list("pk", "state"))
    assert list(states.values()) == ["pending", "pending", "handled"]


def test_old_pushes_are_destroyed_and_unknown_ones_stay_longer(tencent):
    arrive(tencent, text("o-wang", "旧"), event("o-wang", "new_kind"), event("o-zhao", "unsubscribe"))
    ReceivedPush.objects.update(received_at=now() - timedelta(days=2))
    inbox.destroy_old_pushes()
    assert ReceivedPush.objects.get(kind="event:unsubscribe").openid_hash == ""
    ReceivedPush.objects.update(received_at=now() - timedelta(days=31))
    inbox.destroy_old_pushes()
    assert list(ReceivedPush.objects.values_list("kind", flat=True)) == ["event:new_kind"]
    ReceivedPush.objects.update(received_at=now() - timedelta(days=181))
    inbox.destroy_old_pushes()
    assert not ReceivedPush.objects.exists()
