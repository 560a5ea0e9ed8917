"""Deeds of contacts: codes, letters, contacts, and the choice of a person."""

from survey.contacts.services.contacting import (
    final_disposition,
    record_contact,
    store_contact,
    void_interviews,
)
from survey.contacts.services.household_codes import find_case_by_qr, find_case_by_typed, issue_codes
from survey.contacts.services.letters import open_letters, prepare_letters, remove_letters
from survey.contacts.services.people import (
    choose_person,
    edit_roster,
    lock_roster,
    record_next_birthday,
    roster_members,
)
from survey.contacts.services.planning import (
    current_plan,
    pause_contacts,
    resume_contacts,
    save_contact_plan,
)

__all__ = [
    "choose_person",
    "current_plan",
    "edit_roster",
    "final_disposition",
    "find_case_by_qr",
    "find_case_by_typed",
    "issue_codes",
    "lock_roster",
    "open_letters",
    "pause_contacts",
    "prepare_letters",
    "record_contact",
    "record_next_birthday",
    "remove_letters",
    "resume_contacts",
    "roster_members",
    "save_contact_plan",
    "store_contact",
    "void_interviews",
]
