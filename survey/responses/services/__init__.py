"""The deeds of answering: entering, agreeing, refusing, answering, asking for one's data, withdrawing."""

from survey.responses.services.answering import COMPLETE, OPEN_TEXT_PURPOSE, accept_response, content_hash
from survey.responses.services.entering import choose_by_birthday, enter, give_consent, refuse_participation
from survey.responses.services.rights import request_data, withdraw_response
from survey.responses.services.standing import current_consent, proves, require_open, standing_response

__all__ = [
    "COMPLETE",
    "OPEN_TEXT_PURPOSE",
    "accept_response",
    "choose_by_birthday",
    "content_hash",
    "current_consent",
    "enter",
    "give_consent",
    "proves",
    "refuse_participation",
    "request_data",
    "require_open",
    "standing_response",
    "withdraw_response",
]
