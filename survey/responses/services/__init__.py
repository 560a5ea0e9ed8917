"""The deeds of answering: entering, agreeing, refusing, answering, asking for one's data, withdrawing."""

from survey.responses.services.answering import (
    COMPLETE,
    OPEN_TEXT_PURPOSE,
    accept_response,
    content_hash,
    open_answers,
)
from survey.responses.services.attachments import (
    clean_picture,
    discard_unclaimed,
    read_attachment,
    store_attachment,
)
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
from survey.responses.services.standing import (
    current_consent,
    proves,
    require_open,
    standing_for,
    standing_response,
)
from survey.responses.services.texts import gather_open_texts, open_items, read_texts, review_text
from survey.responses.services.themes import add_theme, code_text, rename_theme, retire_theme
from survey.responses.services.volunteers import enter_as_volunteer

__all__ = [
    "COMPLETE",
    "OPEN_TEXT_PURPOSE",
    "accept_response",
    "add_theme",
    "choose_by_birthday",
    "clean_picture",
    "code_text",
    "content_hash",
    "current_consent",
    "discard_drafts",
    "discard_stale_drafts",
    "discard_unclaimed",
    "drafts_of",
    "enter",
    "enter_as_volunteer",
    "gather_open_texts",
    "give_consent",
    "newest_draft",
    "open_answers",
    "open_items",
    "proves",
    "read_attachment",
    "read_texts",
    "refuse_participation",
    "rename_theme",
    "request_data",
    "require_open",
    "retire_theme",
    "review_text",
    "save_draft",
    "save_draft_at_once",
    "standing_for",
    "standing_response",
    "store_attachment",
    "withdraw_response",
]
