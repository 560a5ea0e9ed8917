"""The deeds of answering: entering, agreeing, refusing, answering, asking for one's data, withdrawing."""

from survey.responses.services.answering import (
    COMPLETE,
    OPEN_TEXT_PURPOSE,
    accept_response,
    content_hash,
    open_answers,
)
from survey.responses.services.attachments import discard_unclaimed, read_attachment, store_attachment
from survey.responses.services.drafts import (
    discard_drafts,
    discard_stale_drafts,
    drafts_of,
    newest_draft,
    save_draft,
)
from survey.responses.services.entering import choose_by_birthday, enter, give_consent, refuse_participation
from survey.responses.services.quick_drafts import save_draft_at_once
from survey.responses.services.rights import request_data, withdraw_response
from survey.responses.services.standing import current_consent, proves, require_open, standing_response
from survey.responses.services.texts import gather_open_texts, open_items, read_texts, review_text
from survey.responses.services.themes import add_theme, code_text, rename_theme, retire_theme

__all__ = [
    "review_text",
    "retire_theme",
    "rename_theme",
    "read_texts",
    "open_items",
    "gather_open_texts",
    "code_text",
    "add_theme",
    "COMPLETE",
    "OPEN_TEXT_PURPOSE",
    "accept_response",
    "choose_by_birthday",
    "content_hash",
    "current_consent",
    "discard_drafts",
    "discard_stale_drafts",
    "discard_unclaimed",
    "drafts_of",
    "enter",
    "give_consent",
    "newest_draft",
    "open_answers",
    "proves",
    "read_attachment",
    "refuse_participation",
    "request_data",
    "require_open",
    "save_draft",
    "save_draft_at_once",
    "standing_response",
    "store_attachment",
    "withdraw_response",
]
