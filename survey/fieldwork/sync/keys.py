"""The rounds' key pairs. The private half leaves the database only into the memory of one request."""

from functools import lru_cache

from django.db import transaction

from survey.audit.services import SYSTEM, record
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt
from survey.fieldwork.sync import sealing
from survey.fieldwork.sync_models import SealKey
from survey.studies.models import Round

PURPOSE = "fieldwork.seal_key"


def key_of(round: Round) -> SealKey:
    """The round's key pair, made at the first need."""
    found = SealKey.objects.filter(round=round).first()
    if found is not None:
        return found
    with transaction.atomic():
        Round.objects.select_for_update().get(pk=round.pk)  # two phones' first pulls make one key
        found = SealKey.objects.filter(round=round).first()
        if found is not None:
            return found
        private = sealing.new_private_key()
        key = SealKey.objects.create(
            round=round,
            public_key=sealing.public_point(private),
            private_cipher=encrypt(format(private, "x"), PURPOSE),
            created_at=now(),
        )
        record(action="fieldwork.seal_key.made", acting_user=SYSTEM, target=key)
    return key


def open_item(key: SealKey, item_id: str, sealed: dict[str, object]) -> bytes:
    """The text of one sealed item.

    Raises
    ------
    sealing.SealError
    """
    private = _private(bytes(key.private_cipher))
    return sealing.open_seal(sealed, private_key=private, key_id=str(key.pk), item_id=item_id)


@lru_cache(maxsize=16)
def _private(cipher: bytes) -> int:
    return int(decrypt(cipher, PURPOSE), 16)
