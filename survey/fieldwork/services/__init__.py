"""Deeds of the field: who goes where, what happens at a door, review, back-checks, closing."""

from survey.fieldwork.services.assigning import (
    assign_by_load,
    assign_cases,
    order_doors,
    try_refusal_again,
)
from survey.fieldwork.services.backchecks import draw_backchecks, enter_backcheck
from survey.fieldwork.services.closing import close_door, close_field, reopen_door
from survey.fieldwork.services.doubts import settle_flag
from survey.fieldwork.services.notes import end_safety_note, keep_phone, write_safety_note
from survey.fieldwork.services.photographing import door_pictures, keep_visit_photo, read_door_picture
from survey.fieldwork.services.priorities import freeze_priorities
from survey.fieldwork.services.requests import answer_request
from survey.fieldwork.services.reviewing import review_response
from survey.fieldwork.services.rules import set_field_rules
from survey.fieldwork.services.visiting import (
    CLOCK_TOLERANCE,
    OFFICIAL_PRESENT,
    ROSTER_CHANGED,
    correct_roster,
    door_consent,
    give_door_consent,
    list_and_choose,
    presence,
    record_visit,
    standing_choice,
    submit_interview,
)

__all__ = [
    "CLOCK_TOLERANCE",
    "OFFICIAL_PRESENT",
    "ROSTER_CHANGED",
    "answer_request",
    "assign_by_load",
    "assign_cases",
    "close_door",
    "close_field",
    "correct_roster",
    "door_consent",
    "door_pictures",
    "draw_backchecks",
    "end_safety_note",
    "enter_backcheck",
    "freeze_priorities",
    "give_door_consent",
    "keep_phone",
    "keep_visit_photo",
    "list_and_choose",
    "order_doors",
    "presence",
    "read_door_picture",
    "record_visit",
    "reopen_door",
    "review_response",
    "set_field_rules",
    "settle_flag",
    "standing_choice",
    "submit_interview",
    "try_refusal_again",
    "write_safety_note",
]
