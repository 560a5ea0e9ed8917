"""Signatures and photos: sealed items of their own that wait for the item which names them."""

import base64
import binascii
import hashlib
import json
from typing import Any

from survey.fieldwork.sync import sealing
from survey.fieldwork.sync.keys import open_item
from survey.fieldwork.sync.protocol import FILE, ItemError
from survey.fieldwork.sync.work import Outcome, Work, consent_of, list_in, uuids
from survey.fieldwork.sync_models import SyncItem
from survey.responses import services as responses
from survey.responses.models import Attachment, Respondent, Response

State = SyncItem.State


class FileMissing(Exception):
    """A signature or photo that the item names has not come yet."""


def require_files(work: Work, named: list[Any]) -> None:
    """Every file that an item names must be here: those of the door, and those among the answers."""
    wanted = {str(each) for each in named if each}
    wanted |= {str(each) for each in list_in(work.item.body, "files")}
    have = SyncItem.objects.filter(pk__in=uuids(wanted), kind=FILE, device=work.row.device)
    if have.exclude(state=State.REFUSED).count() < len(wanted):
        raise FileMissing


def store_files(work: Work, respondent: Respondent) -> None:
    """Give the interview its pictures, from the sealed originals."""
    body = work.item.body
    named = {consent_of(body).get("signature"): "consent_signature", body.get("plate"): "door_plate"}
    wanted = [str(each) for each in list_in(body, "files")] + [str(each) for each in named if each]
    for row in SyncItem.objects.filter(pk__in=uuids(set(wanted)), kind=FILE, device=work.row.device):
        if Attachment.objects.filter(pk=row.pk).exists():
            continue
        content, item = content_of(row)
        responses.store_attachment(
            respondent=respondent,
            attachment_id=row.pk,
            item=named.get(str(row.pk), item),
            content=content,
            claimed_hash="",
        )


def claim_door_files(work: Work, response: Response) -> None:
    """The signature and the door's picture belong to the response, though no answer names them.

    Each sealed original remembers its response, so that a withdrawal reaches it.
    """
    body = work.item.body
    named = uuids({str(each) for each in (consent_of(body).get("signature"), body.get("plate")) if each})
    Attachment.objects.filter(pk__in=named, response__isnull=True).update(response=response)
    files = uuids({str(each) for each in list_in(body, "files")})
    originals = SyncItem.objects.filter(pk__in=[*named, *files], kind=FILE, device=work.row.device)
    originals.update(response=response)


def content_of(row: SyncItem) -> tuple[bytes, str]:
    """The picture and the item's name inside a sealed file."""
    try:
        body = json.loads(open_item(row.seal_key, str(row.pk), json.loads(bytes(row.payload))))["body"]
        content = base64.b64decode(body["data"], validate=True)
    except (sealing.SealError, KeyError, TypeError, ValueError, binascii.Error):
        raise ItemError("file") from None
    return content, str(body.get("item", ""))[:64]


def take_file(work: Work) -> Outcome:
    """A picture waits, sealed, for the item that names it, which then is taken up again."""
    content, _item = content_of(work.row)
    if hashlib.sha256(content).hexdigest() != work.item.body.get("sha256"):
        raise ItemError("sha256")
    return Outcome(State.ACCEPTED, case=work.case)
