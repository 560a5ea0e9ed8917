"""Takes what Tencent posts to the callback: proves it, stores it once, answers as it did the first time.

One statement writes the row; the work on it begins afterwards (`inbox`), whatever the broker does. A body
that was taken before is recognised by the row's unique key; a further try costs one statement and one look.
"""

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

import structlog
from django.db import IntegrityError, transaction

from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt, keyed_hash
from survey.common.statements import run, stored
from survey.wechat import chat, signature
from survey.wechat.handover import wake_inbox
from survey.wechat.identity import AES_KEY_PURPOSE, CALLBACK_TOKEN_PURPOSE, hash_openid_of
from survey.wechat.models import ReceivedPush, WeChatAccount
from survey.wechat.push import ParseError, author_of, identity_of, kind_of, parse_push
from survey.wechat.signature import InvalidSignature, Undecryptable

log = structlog.get_logger(__name__)
WINDOW_S = 300  # own rule: the protocol itself knows no age
CONTENT_PURPOSE = "wechat.push"
KEEP_ACCOUNT_S = 5.0
_MAX_KIND = 80


@dataclass(frozen=True)
class Credentials:
    """What proves a push to one account."""

    account_id: int
    app_id: str
    token: str = field(repr=False)
    aes_keys: tuple[bytes, ...] = field(repr=False)
    needs_encryption: bool


class _AccountCache:
    """Accounts are looked up once in a few seconds, not once for every push. Unknown ones are not kept: an
    account that was set up just now must answer Tencent's check in every process."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, Credentials]] = {}
        self._lock = threading.Lock()

    def find(self, slug: str) -> Credentials | None:
        held = self._held.get(slug)
        if held is not None and time.monotonic() - held[0] < KEEP_ACCOUNT_S:
            return held[1]
        found = _read(slug)
        if found is not None:
            with self._lock:
                self._held[slug] = (time.monotonic(), found)
        return found

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


accounts = _AccountCache()


def _read(slug: str) -> Credentials | None:
    """An active account with a callback token; anything else has no callback."""
    row = WeChatAccount.objects.filter(slug=slug, is_active=True, callback_token_cipher__isnull=False).first()
    if row is None:
        return None
    ciphers = [row.encoding_aes_key_cipher]
    if row.previous_aes_key_until is not None and row.previous_aes_key_until > now():
        ciphers.append(row.previous_aes_key_cipher)
    keys = tuple(signature.decode_aes_key(decrypt(c, AES_KEY_PURPOSE)) for c in ciphers if c is not None)
    return Credentials(
        account_id=row.pk,
        app_id=row.app_id,
        token=decrypt(row.callback_token_cipher, CALLBACK_TOKEN_PURPOSE),
        aes_keys=keys,
        needs_encryption=row.message_mode == WeChatAccount.MessageMode.SECURE,
    )


def _check_age(timestamp: str) -> None:
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise InvalidSignature("timestamp is not a number of seconds")
    if abs(int(timestamp) - now().timestamp()) > WINDOW_S:
        raise InvalidSignature("timestamp is not of the last five minutes")


def _check_signature(account: Credentials, query: Mapping[str, str]) -> None:
    _check_age(query.get("timestamp", ""))
    signature.check_server_signature(
        token=account.token,
        timestamp=query.get("timestamp", ""),
        nonce=query.get("nonce", ""),
        signature=query.get("signature", ""),
    )


def verify_address(account: Credentials, query: Mapping[str, str]) -> str:
    """Tencent's check of the address: the echo to give back. Never encrypted for a 公众号 (section 1).

    Raises
    ------
    InvalidSignature : another token, or too old.
    """
    _check_signature(account, query)
    WeChatAccount.objects.filter(pk=account.account_id).update(verified_at=now())
    return query.get("echostr", "")


def receive(account: Credentials, query: Mapping[str, str], body: bytes) -> str:
    """Take one push; returns the body of the answer.

    Raises
    ------
    signature.SignatureError : not from Tencent, too old, or not encrypted where it must be.
    ParseError : not a push.
    """
    fields, key = _open(account, query, body)
    kind = kind_of(fields)[:_MAX_KIND]
    dedupe_key = keyed_hash(f"{account.account_id}|{identity_of(fields)}", "wechat.push")
    answer = chat.store(chat.answer_to(chat.incoming(account.account_id, kind, fields)))
    moment = now()
    row = ReceivedPush(
        account_id=account.account_id,
        dedupe_key=dedupe_key,
        kind=kind,
        openid_hash=hash_openid_of(account.app_id, author_of(fields)),
        content_cipher=encrypt(json.dumps(fields, ensure_ascii=False), CONTENT_PURPOSE),
        answer=answer,
        sent_at=datetime.fromtimestamp(int(fields["CreateTime"]), UTC),
        received_at=moment,
        next_try_at=moment,
    )
    if _insert_once(row):
        transaction.on_commit(wake_inbox)
    else:
        answer = ReceivedPush.objects.values_list("answer", flat=True).get(
            account_id=account.account_id, dedupe_key=dedupe_key
        )
    return _answer_body(account, fields, chat.restore(answer), key)


def _open(account: Credentials, query: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes | None]:
    """The proven fields, and the key that opened them (None: plain)."""
    if query.get("encrypt_type", "raw") != "aes":
        if account.needs_encryption:
            raise InvalidSignature("the account is in secure mode and this push is not encrypted")
        _check_signature(account, query)
        fields = parse_push(body)
        if "MsgType" not in fields:
            raise ParseError("encrypted, but the address does not say so")
        return fields, None
    _check_age(query.get("timestamp", ""))
    envelope = parse_push(body)
    sealed = envelope.get("Encrypt")
    if not isinstance(sealed, str):
        raise ParseError("Encrypt is missing, empty or given twice")
    plain, key = _decrypt(account, query, sealed)
    fields = parse_push(plain.encode())
    if "MsgType" not in fields:
        raise ParseError("encrypted twice")
    return fields, key


def _decrypt(account: Credentials, query: Mapping[str, str], sealed: str) -> tuple[str, bytes]:
    """Open with the present key, or the one before it."""
    for key in account.aes_keys:
        try:
            return (
                signature.decrypt_message(
                    sealed,
                    token=account.token,
                    aes_key=key,
                    receiver_id=account.app_id,
                    timestamp=query.get("timestamp", ""),
                    nonce=query.get("nonce", ""),
                    msg_signature=query.get("msg_signature", ""),
                ),
                key,
            )
        except Undecryptable:
            continue
    raise Undecryptable("no key of this account opens the message")


_INSERTED = (
    "account_id",
    "dedupe_key",
    "kind",
    "openid_hash",
    "content_cipher",
    "answer",
    "state",
    "sent_at",
    "received_at",
    "attempts",
    "next_try_at",
    "last_error",
)


def _insert_once(row: ReceivedPush) -> bool:
    """Store the row unless its key is there; one statement, which commits itself. Whether it was stored."""
    values = [stored(ReceivedPush, name, getattr(row, name)) for name in _INSERTED]
    try:
        return bool(run(_insertion(), values))
    except IntegrityError:
        accounts.clear()
        raise ParseError("the account is gone") from None


@cache
def _insertion() -> str:
    # Names come from our own model; every value is a parameter.
    return """
        INSERT INTO {table} ({columns}) VALUES ({places})
        ON CONFLICT (account_id, dedupe_key) DO NOTHING RETURNING id
    """.format(  # noqa: S608
        table=ReceivedPush._meta.db_table,
        columns=", ".join(_INSERTED),
        places=", ".join(["%s"] * len(_INSERTED)),
    )


def _answer_body(
    account: Credentials, fields: Mapping[str, str], answer: chat.Answer | None, key: bytes | None
) -> str:
    """The answer as Tencent reads it: encrypted when the push was."""
    if answer is None:
        return chat.NOTHING
    plain = chat.render(
        answer,
        to=fields["FromUserName"],
        sender=fields["ToUserName"],
        created_at=int(now().timestamp()),
    )
    if key is None:
        return plain
    sealed = signature.seal_message(plain, aes_key=key, receiver_id=account.app_id)
    stamp, nonce = str(int(now().timestamp())), secrets.token_hex(8)
    signed = signature.message_signature(account.token, stamp, nonce, sealed)
    return chat.render_sealed(sealed=sealed, signature=signed, timestamp=stamp, nonce=nonce)
