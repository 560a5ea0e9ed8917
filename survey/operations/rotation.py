"""Moves everything that is encrypted to the first field key, so that an older one can be taken away.

Add the new key in front of `MINYI_FIELD_KEYS`, restart, run `rotate_field_keys`, then remove the old one. It
may be stopped and started again at any time: what has moved is left alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from survey.audit.services import Actor, record
from survey.common.crypto import decrypt, encrypt, key_of
from survey.contacts.services.contacting import NOTE_PURPOSE as CONTACT_NOTE
from survey.contacts.services.letters import FILE_PURPOSE
from survey.contacts.services.people import ROSTER_PURPOSE
from survey.fieldwork.places import PURPOSE as VISIT_PLACE
from survey.fieldwork.services.backchecks import NOTE_PURPOSE as BACK_CHECK_NOTE
from survey.fieldwork.services.notes import PHONE_PURPOSE as CALLBACK_PHONE
from survey.fieldwork.services.notes import SAFETY_PURPOSE
from survey.fieldwork.services.photographing import PURPOSE as VISIT_PHOTO
from survey.fieldwork.sync.keys import PURPOSE as SEAL_KEY
from survey.responses.services.answering import OPEN_TEXT_PURPOSE
from survey.responses.services.attachments import PURPOSE as ATTACHMENT
from survey.responses.services.drafts import PURPOSE as DRAFT
from survey.responses.services.texts import QUOTE_PURPOSE
from survey.sampling.household_rows import ADDRESS_PURPOSE, PHONE_PURPOSE
from survey.sampling.services.commits import SECRET_PURPOSE as DRAW_SECRET
from survey.sampling.signing import PURPOSE as SIGNING_KEY
from survey.wechat.identity import (
    AES_KEY_PURPOSE,
    CALLBACK_TOKEN_PURPOSE,
    OPENID_PURPOSE,
    SECRET_PURPOSE,
    TOKEN_PURPOSE,
)
from survey.wechat.receiving import CONTENT_PURPOSE

BATCH = 500
# Every encrypted column and what its values are bound to. A test finds the column that is missing here.
COLUMNS: dict[str, str] = {
    "sampling.FrameUnit.address_cipher": ADDRESS_PURPOSE,
    "sampling.FrameUnit.phone_cipher": PHONE_PURPOSE,
    "sampling.Draw.secret_cipher": DRAW_SECRET,
    "sampling.DrawParty.secret_cipher": DRAW_SECRET,
    "sampling.SigningKey.private_cipher": SIGNING_KEY,
    "contacts.Contact.note_cipher": CONTACT_NOTE,
    "contacts.HouseholdRoster.members_cipher": ROSTER_PURPOSE,
    "responses.Response.open_text_cipher": OPEN_TEXT_PURPOSE,
    "responses.SavedDraft.content_cipher": DRAFT,
    "responses.Attachment.content_cipher": ATTACHMENT,
    "responses.OpenTextReview.wording_cipher": QUOTE_PURPOSE,
    "fieldwork.SafetyNote.text_cipher": SAFETY_PURPOSE,
    "fieldwork.VisitPlace.place_cipher": VISIT_PLACE,
    "fieldwork.CallbackPhone.phone_cipher": CALLBACK_PHONE,
    "fieldwork.VisitPhoto.content_cipher": VISIT_PHOTO,
    "fieldwork.BackCheck.note_cipher": BACK_CHECK_NOTE,
    "fieldwork.SealKey.private_cipher": SEAL_KEY,
    "wechat.WeChatAccount.app_secret_cipher": SECRET_PURPOSE,
    "wechat.WeChatAccount.callback_token_cipher": CALLBACK_TOKEN_PURPOSE,
    "wechat.WeChatAccount.encoding_aes_key_cipher": AES_KEY_PURPOSE,
    "wechat.WeChatAccount.previous_aes_key_cipher": AES_KEY_PURPOSE,
    "wechat.AccessToken.token_cipher": TOKEN_PURPOSE,
    "wechat.JsapiTicket.token_cipher": TOKEN_PURPOSE,
    "wechat.WeChatUser.openid_cipher": OPENID_PURPOSE,
    "wechat.ReceivedPush.content_cipher": CONTENT_PURPOSE,
}
Tell = Callable[[str, int], None]


class Column(NamedTuple):
    """One encrypted column."""

    model: type[models.Model]
    field: str
    purpose: str


def columns() -> Iterator[Column]:
    """Every encrypted column of the installation."""
    for name, purpose in COLUMNS.items():
        app, model, field = name.split(".")
        yield Column(apps.get_model(app, model), field, purpose)


def rotate_field_keys(*, acting_user: Actor, tell: Tell | None = None) -> dict[str, int]:
    """Encrypt anew what an older key holds; returns how many values moved, by column and "letters".

    Raises
    ------
    DecryptionError : a value that no configured key opens; what was moved before stays moved.
    """
    moved = {}
    for column in columns():
        name = f"{column.model._meta.label}.{column.field}"
        moved[name] = _move_column(column)
        if tell:
            tell(name, moved[name])
    moved["letters"] = _move_files(Path(settings.MEDIA_ROOT) / "letters")
    if tell:
        tell("letters", moved["letters"])
    with transaction.atomic():
        record(
            action="operations.field_keys.rotated",
            acting_user=acting_user,
            detail={name: n for name, n in moved.items() if n},
        )
    return moved


def is_current(value: bytes | memoryview) -> bool:
    """Whether the first key encrypted it. An emptied value (b"") has nothing to move."""
    return not len(value) or key_of(value) == key_of(encrypt("", "operations.mark"))


def _move_column(column: Column) -> int:
    last, moved = None, 0
    rows = column.model._base_manager.order_by("pk").exclude(**{f"{column.field}__isnull": True})
    while True:
        with transaction.atomic():
            later = rows if last is None else rows.filter(pk__gt=last)
            batch = list(later.select_for_update().only("pk", column.field)[:BATCH])
            if not batch:
                return moved
            stale = [row for row in batch if not is_current(getattr(row, column.field))]
            for row in stale:
                plain = decrypt(getattr(row, column.field), column.purpose)
                setattr(row, column.field, encrypt(plain, column.purpose))
            column.model._base_manager.bulk_update(stale, [column.field])
        last, moved = batch[-1].pk, moved + len(stale)


def _move_files(folder: Path) -> int:
    """Letters that wait for the printer."""
    moved = 0
    for path in sorted(folder.rglob("*.sealed")) if folder.exists() else []:
        sealed = path.read_bytes()
        if is_current(sealed):
            continue
        fresh = path.with_suffix(".rotating")
        fresh.write_bytes(encrypt(decrypt(sealed, FILE_PURPOSE), FILE_PURPOSE))
        fresh.replace(path)
        moved += 1
    return moved
