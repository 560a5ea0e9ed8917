"""How openids are kept: encrypted for sending, hashed with a key for uniqueness, and destroyed in time."""

import secrets
from typing import Any

from django.db import transaction
from django.db.models import Q

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt, keyed_hash
from survey.responses.models import Respondent, SavedDraft, VolunteerAnswer
from survey.wechat.models import OutboundMessage, ReceivedPush, WeChatAccount, WeChatUser

SECRET_PURPOSE, TOKEN_PURPOSE, OPENID_PURPOSE = "wechat.app_secret", "wechat.token", "wechat.openid"
CALLBACK_TOKEN_PURPOSE, AES_KEY_PURPOSE = "wechat.callback_token", "wechat.aes_key"
UNFOLLOWED = "event:unsubscribe"


def hash_openid_of(app_id: str, openid: str) -> str:
    """The keyed hash under which an openid is known; an openid means nothing without its account."""
    return keyed_hash(f"{app_id}:{openid}", OPENID_PURPOSE)


def hash_openid(account: WeChatAccount, openid: str) -> str:
    """`hash_openid_of` for an account at hand."""
    return hash_openid_of(account.app_id, openid)


def openid_of(user: WeChatUser) -> str:
    """The openid in the clear. For a call to WeChat only; never for an address, a log or a file."""
    return decrypt(user.openid_cipher, OPENID_PURPOSE)


def remember_user(account: WeChatAccount, openid: str, **seen: Any) -> WeChatUser:
    """The user's row, made when she is new, with what was just seen. Inside the caller's transaction."""
    user, _new = WeChatUser.objects.get_or_create(
        account=account,
        openid_hash=hash_openid(account, openid),
        defaults={"openid_cipher": encrypt(openid, OPENID_PURPOSE)},
    )
    if seen:
        WeChatUser.objects.filter(pk=user.pk).update(**seen)
        for name, value in seen.items():
            setattr(user, name, value)
    return user


@transaction.atomic
def forget_user(*, account: WeChatAccount, openid_hash: str, reason: str, acting_user: Actor) -> None:
    """Destroy what is kept of a user who left: openid, agreements to messages, everything she wrote.

    Planned messages are stopped. Her answers never knew the openid; the keyed hash that keeps one person from
    answering a round twice goes with the round's contact data, or at once with `forget_identity`.
    """
    stop_messages(Q(user__account=account, user__openid_hash=openid_hash), reason=reason)
    found, _rows = WeChatUser.objects.filter(account=account, openid_hash=openid_hash).delete()
    wrote = ReceivedPush.objects.filter(account=account, openid_hash=openid_hash)
    wrote.exclude(content_cipher=b"").exclude(state=ReceivedPush.State.PENDING).update(content_cipher=b"")
    # The hash of a leave-taking stays for a day: an older event that comes late must not bring her back.
    wrote.exclude(kind=UNFOLLOWED).exclude(state=ReceivedPush.State.PENDING).update(openid_hash="")
    record(
        action="wechat.user.forgotten",
        acting_user=acting_user,
        target=account,
        detail={"reason": reason, "known": bool(found)},
    )


@transaction.atomic
def forget_identity(*, openid_hash: str, acting_user: Actor) -> int:
    """Cut the tie between a WeChat identity and all it ever answered or began; returns how many there were.

    For a user who withdraws her authorisation from the account: drafts go, answers stay without identity. A
    volunteer who comes back later is a stranger, and may answer an open round once more.
    """
    hers = Respondent.objects.filter(identity_hash=openid_hash)
    SavedDraft.objects.filter(respondent__in=hers).delete()
    VolunteerAnswer.objects.filter(identity_hash=openid_hash).delete()
    count = hers.update(identity_hash="", device_hash="")
    for answer in VolunteerAnswer.objects.filter(identity_hash=openid_hash):
        answer.identity_hash = secrets.token_hex(32)  # unique within its round, and nobody's
        answer.save(update_fields=["identity_hash"])
    if count:
        record(action="wechat.identity.forgotten", acting_user=acting_user, detail={"respondents": count})
    return count


def stop_messages(which: Q, *, reason: str) -> int:
    """Stop what is planned and not yet handed to WeChat; returns how many."""
    return OutboundMessage.objects.filter(which, state=OutboundMessage.State.PLANNED).update(
        state=OutboundMessage.State.STOPPED, reason=reason, settled_at=now()
    )
