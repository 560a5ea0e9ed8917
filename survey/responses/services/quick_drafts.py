"""Saving a draft in one statement, when nothing stands in its way.

Phones save at the end of each block: this is what the server does most. The statement holds the conditions
of `drafts.save_draft`; where one fails it stores nothing, and the plain way, which can say why, has its turn.
`tests/survey/responses/test_quick_drafts.py` keeps the two alike.
"""

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from survey.common.clock import now
from survey.common.statements import run, stored
from survey.responses.models import Consent, Respondent, Response, SavedDraft
from survey.responses.services.drafts import seal
from survey.sampling.models import Case
from survey.studies.models import Round

_WRITTEN = ("client_id", "sequence", "document_hash", "content_cipher", "saved_at", "received_at")


def save_draft_at_once(
    *,
    public_id: uuid.UUID,
    device_hash: str,
    client_id: uuid.UUID,
    sequence: int,
    document_hash: str,
    content: dict[str, Any],
    saved_at: datetime,
) -> int | None:
    """Keep a draft of the respondent whom the device's hash proves.

    Returns the sequence that stands, higher than the given one when a later save overtook this; None: nothing
    was stored, for a reason that the plain way knows.
    """
    written = (client_id, sequence, document_hash, seal(content), saved_at, now())
    values = [stored(SavedDraft, name, value) for name, value in zip(_WRITTEN, written, strict=True)]
    conditions = [
        stored(Respondent, "public_id", public_id),
        device_hash,
        Round.State.OPEN,
        "wechat",
        stored(Response, "client_id", client_id),
        Response.State.ACCEPTED,
    ]
    rows = run(_statement(), [*values, *conditions])
    return rows[0][0] if rows else None


@lru_cache(maxsize=1)
def _statement() -> str:
    tables = {
        "drafts": SavedDraft._meta.db_table,
        "respondents": Respondent._meta.db_table,
        "rounds": Round._meta.db_table,
        "consents": Consent._meta.db_table,
        "responses": Response._meta.db_table,
        "cases": Case._meta.db_table,
    }
    # A save that a later one overtook leaves everything as it stands.
    overtaken = f"{tables['drafts']}.sequence >= excluded.sequence"
    newer = ", ".join(
        f"{name} = CASE WHEN {overtaken} THEN {tables['drafts']}.{name} ELSE excluded.{name} END"
        for name in _WRITTEN[1:]
    )
    # Names of tables come from our own models; every value is a parameter.
    return """
        INSERT INTO {drafts}
            (client_id, sequence, document_hash, content_cipher, saved_at, received_at, respondent_id)
        SELECT %s, %s, %s, %s, %s, %s, r.id
        FROM {respondents} r
        JOIN {rounds} round ON round.id = r.round_id
        WHERE r.public_id = %s AND r.device_hash = %s AND round.state = %s
          AND NOT (r.channel = %s AND r.identity_hash = '')
          AND EXISTS (
            SELECT 1 FROM {consents} c
            WHERE c.respondent_id = r.id AND c.text_id = round.consent_text_id AND c.withdrawn_at IS NULL)
          AND NOT EXISTS (SELECT 1 FROM {responses} a WHERE a.client_id = %s)
          AND NOT EXISTS (
            SELECT 1 FROM {responses} a JOIN {cases} k ON k.opaque_id = a.case_opaque_id
            WHERE k.id = r.case_id AND a.state = %s AND a.superseded_by_id IS NULL)
        ON CONFLICT (client_id) DO UPDATE SET {newer}
        WHERE {drafts}.respondent_id = excluded.respondent_id
        RETURNING sequence
    """.format(newer=newer, **tables)  # noqa: S608
