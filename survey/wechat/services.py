"""Accounts, their token, and who logs in through them."""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt, keyed_hash, same
from survey.common.errors import Problem
from survey.responses.device import hash_device
from survey.responses.models import Respondent
from survey.responses.services import enter, enter_as_volunteer
from survey.studies.models import Study
from survey.wechat.alarms import raise_alarm, settle_credential_alarms
from survey.wechat.client import AccountSettings, WeChat
from survey.wechat.identity import (
    AES_KEY_PURPOSE,
    CALLBACK_TOKEN_PURPOSE,
    OPENID_PURPOSE,
    SECRET_PURPOSE,
    TOKEN_PURPOSE,
    hash_openid,
    remember_user,
)
from survey.wechat.models import AccessToken, JsapiTicket, OAuthState, WeChatAccount, WeChatUser
from survey.wechat.receiving import accounts as receiving_accounts

__all__ = ["OPENID_PURPOSE", "hash_openid"]
CHANNEL = "wechat"
# Tencent's servers may go on with the old key for a while after it was changed (section 2 [M]).
OLD_KEY_KEPT = timedelta(days=2)
STATE_LIFETIME = timedelta(minutes=10)
MAX_RESTARTS = 1
APP_ID = re.compile(r"wx[0-9A-Za-z]{10,38}")
# The token is 3 to 32 letters and digits, the AES key 43 (protocol file, section 1).
CALLBACK_TOKEN, AES_KEY = re.compile(r"[A-Za-z0-9]{3,32}"), re.compile(r"[A-Za-z0-9]{43}")


# --- accounts -----------------------------------------------------------------------------------------
@transaction.atomic
def save_account(
    *,
    slug: str,
    name: str,
    app_id: str,
    acting_user: Actor,
    app_secret: str = "",
    callback_token: str = "",
    encoding_aes_key: str = "",
    message_mode: str | None = None,
    studies: Iterable[Study] | None = None,
    is_active: bool = True,
) -> WeChatAccount:
    """Create or change the account with this slug. Secrets are encrypted; an empty one keeps what is there.

    Raises
    ------
    Problem common.invalid : a value that Tencent could not have given.
    """
    account = WeChatAccount.objects.select_for_update().filter(slug=slug).first()
    check_account(
        is_new=account is None,
        app_id=app_id,
        app_secret=app_secret,
        callback_token=callback_token,
        aes_key=encoding_aes_key,
    )
    account = account or WeChatAccount(slug=slug)
    if account.pk and (account.app_id != app_id or app_secret):
        for kept in (AccessToken, JsapiTicket):  # they belong to the old credentials
            kept.objects.filter(account=account).delete()
        settle_credential_alarms(account)
    account.name, account.app_id, account.is_active = name, app_id, is_active
    account.message_mode = message_mode or account.message_mode
    if app_secret:
        account.app_secret_cipher = encrypt(app_secret, SECRET_PURPOSE)
    if callback_token:
        account.callback_token_cipher = encrypt(callback_token, CALLBACK_TOKEN_PURPOSE)
    if encoding_aes_key and account.encoding_aes_key_cipher is not None:
        account.previous_aes_key_cipher = account.encoding_aes_key_cipher
        account.previous_aes_key_until = now() + OLD_KEY_KEPT
    if encoding_aes_key:
        account.encoding_aes_key_cipher = encrypt(encoding_aes_key, AES_KEY_PURPOSE)
    account.save()
    if studies is not None:
        account.studies.set(studies)
    record(
        action="wechat.account.saved",
        acting_user=acting_user,
        target=account,
        detail={"slug": slug, "secret_changed": bool(app_secret), "is_active": is_active},
    )
    receiving_accounts.clear()
    return account


def check_account(*, is_new: bool, app_id: str, app_secret: str, callback_token: str, aes_key: str) -> None:
    """Raise Problem common.invalid for a value that Tencent could not have given."""
    reason = ""
    if not APP_ID.fullmatch(app_id):
        reason = _("AppID 以 wx 开头，后面是字母和数字。请到公众平台“设置与开发 → 基本配置”复制")
    elif is_new and not app_secret:
        reason = _("请填 AppSecret：在公众平台“设置与开发 → 基本配置”里重置后复制")
    elif callback_token and not CALLBACK_TOKEN.fullmatch(callback_token):
        reason = _("令牌（Token）是 3 到 32 个字母和数字")
    elif aes_key and not AES_KEY.fullmatch(aes_key):
        reason = _("消息加解密密钥（EncodingAESKey）是 43 个字母和数字")
    if reason:
        raise Problem("common.invalid", reason=reason)


def account_for(study: Study) -> WeChatAccount | None:
    """The active account that carries a study."""
    return study.wechat_accounts.filter(is_active=True).order_by("pk").first()


def wechat_for(account: WeChatAccount) -> WeChat:
    """The adapter for one account; Tencent or the sandbox, as the settings say."""
    credentials = AccountSettings(
        app_id=account.app_id,
        app_secret=decrypt(account.app_secret_cipher, SECRET_PURPOSE),
        api_base=settings.WECHAT_API_BASE,
        open_base=settings.WECHAT_OPEN_BASE,
    )
    return WeChat(
        credentials,
        DatabaseTokenStore(account),
        ticket_store=DatabaseTokenStore(account, JsapiTicket),
        alarm=lambda refusal: raise_alarm(account=account, refusal=refusal),
    )


class DatabaseTokenStore:
    """A credential in its row, encrypted; the row's lock is held while a new one is fetched.

    `table` is `AccessToken` or `JsapiTicket`.
    """

    def __init__(
        self, account: WeChatAccount, table: type[AccessToken] | type[JsapiTicket] = AccessToken
    ) -> None:
        self._account = account
        self._table = table

    def get(self) -> tuple[str, datetime] | None:
        """The stored token and its end of life."""
        row = self._table.objects.filter(account=self._account).first()
        if row is None or row.token_cipher is None or row.expires_at is None:
            return None
        return decrypt(row.token_cipher, TOKEN_PURPOSE), row.expires_at

    def set(self, token: str, expires_at: datetime) -> None:
        """Replace it."""
        self._table.objects.update_or_create(
            account=self._account,
            defaults={"token_cipher": encrypt(token, TOKEN_PURPOSE), "expires_at": expires_at},
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One fetch at a time over all processes. On SQLite all writers wait (once in two hours)."""
        self._table.objects.get_or_create(account=self._account)
        with transaction.atomic():
            self._table.objects.select_for_update().get(account=self._account)
            yield


# --- log-in -------------------------------------------------------------------------------------------
@transaction.atomic
def start_login(
    *, account: WeChatAccount, respondent: Respondent, device_secret: str, restarts: int = 0
) -> str:
    """Begin one log-in and return Tencent's address for it. The state is random, this device's, used once."""
    state = secrets.token_hex(16)
    OAuthState.objects.filter(created_at__lt=now() - 6 * STATE_LIFETIME).delete()
    OAuthState.objects.create(
        state_hash=_hash_state(state),
        account=account,
        session_hash=hash_device(device_secret),
        destination=str(respondent.public_id),
        restarts=restarts,
    )
    callback = settings.PUBLIC_URL + reverse("wechat:callback")
    return wechat_for(account).authorize_url(callback, "snsapi_base", state)


def _hash_state(state: str) -> str:
    return keyed_hash(state, "wechat.state")


def take_state(*, state: str, device_secret: str) -> tuple[OAuthState, bool]:
    """The log-in that this state began on this device, and whether this call is the first to use it.

    Raises
    ------
    Problem responses.session_lost : unknown, too old, or begun on another device.
    """
    started = (
        OAuthState.objects.select_related("account")
        .filter(state_hash=_hash_state(state), created_at__gte=now() - STATE_LIFETIME)
        .first()
    )
    if started is None or not device_secret or not same(started.session_hash, hash_device(device_secret)):
        raise Problem("responses.session_lost")
    is_first = OAuthState.objects.filter(pk=started.pk, used_at__isnull=True).update(used_at=now()) == 1
    return started, is_first


@transaction.atomic
def finish_login(
    *, account: WeChatAccount, respondent: Respondent, openid: str, device_secret: str
) -> Respondent:
    """Keep the openid (encrypted for sending, hashed for uniqueness) and let the identity in.

    Answers never meet the openid: only its keyed hash goes down to `responses`.
    """
    user = remember_user(account, openid)
    if respondent.case_id is None:  # a volunteer, in through a poster
        return enter_as_volunteer(
            round=respondent.round,
            region=respondent.region,
            channel=CHANNEL,
            identity_hash=user.openid_hash,
            device_secret=device_secret,
        )
    return enter(
        case=respondent.case, channel=CHANNEL, identity_hash=user.openid_hash, device_secret=device_secret
    )


@transaction.atomic
def forget_users(*, acting_user: Actor) -> int:
    """Destroy openids that no round knows any more (see responses.retention); returns how many.

    Followers stay: they follow the account, not a round, and leave by unfollowing.
    """
    known = Respondent.objects.exclude(identity_hash="").values("identity_hash")
    count, _rows = WeChatUser.objects.filter(is_follower=False).exclude(openid_hash__in=known).delete()
    if count:
        record(action="wechat.openids.destroyed", acting_user=acting_user, detail={"count": count})
    return count
