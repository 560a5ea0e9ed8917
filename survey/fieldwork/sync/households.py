"""The household as a phone listed it, and who it chose: recomputed from the case's own seed."""

from collections.abc import Mapping
from typing import Any

from survey.accounts.models import User
from survey.common.errors import Problem
from survey.contacts import services as contacts
from survey.contacts.household import RosterError, choose, normalise, roster_hash
from survey.contacts.models import HouseholdRoster, SelectedPerson
from survey.fieldwork.services import ROSTER_CHANGED
from survey.fieldwork.sync.flags import LISTED_TWICE, raise_flag
from survey.fieldwork.sync.protocol import ItemError
from survey.sampling.models import Case

MAX_VERSIONS = 20


class Tampered(Exception):
    """What the phone says it chose is not what the case's seed chooses; `evidence` holds both."""

    def __init__(self, evidence: dict[str, Any]) -> None:
        super().__init__("tampered_selection")
        self.evidence = evidence


def store_household(case: Case, household: Mapping[str, Any], user: User) -> SelectedPerson:
    """Lock every version of the list in order and choose from the last, as the phone did.

    A list that differs from the one already here becomes its next version, with a reason, and is flagged.

    Raises
    ------
    Tampered
    ItemError : not the protocol's shape.
    Problem common.invalid : a list that cannot stand.
    """
    rosters = household.get("rosters")
    if not isinstance(rosters, list) or not 1 <= len(rosters) <= MAX_VERSIONS:
        raise ItemError("household.rosters")
    if not all(isinstance(each, dict) and isinstance(each.get("members"), list) for each in rosters):
        raise ItemError("household.rosters")
    check_choice(case, household, rosters[-1]["members"])
    known = list(case.rosters.order_by("number"))
    for listed in _unknown(case, rosters, [each.roster_hash for each in known]):
        known.append(_lock(case, listed, user, is_first=not known))
    return contacts.choose_person(case=case, roster=known[-1], acting_user=user)


def check_choice(case: Case, household: Mapping[str, Any], members: list[Any]) -> None:
    """Raise Tampered unless the phone's number, place and hash are what the seed and the list give."""
    try:
        people = normalise(members, min_age=case.round.study.min_age)
    except (RosterError, AttributeError) as error:
        raise Problem("common.invalid", reason=str(error)) from None
    ours = {
        "n_eligible": len(people),
        "chosen_index": choose(case.selection_seed, len(people)),
        "roster_hash": roster_hash(people),
    }
    theirs = {name: household.get(name) for name in ours}
    if theirs != ours:
        raise Tampered({"ours": ours, "theirs": {name: str(value)[:64] for name, value in theirs.items()}})


def _unknown(case: Case, rosters: list[dict[str, Any]], known: list[str]) -> list[dict[str, Any]]:
    """The versions from the first that is not here yet. One phone sends its whole history each time."""
    hashes = [roster_hash(normalise(each["members"], min_age=case.round.study.min_age)) for each in rosters]
    if known and hashes[-1] == known[-1]:
        return []
    for place, each in enumerate(hashes):
        if each not in known:
            return rosters[place:]
    return rosters[-1:]


def _lock(case: Case, listed: dict[str, Any], user: User, *, is_first: bool) -> HouseholdRoster:
    reason = str(listed.get("reason") or "").strip()
    if is_first:
        return contacts.lock_roster(case=case, members=listed["members"], acting_user=user)
    roster = contacts.edit_roster(
        case=case, members=listed["members"], reason=reason or LISTED_TWICE, acting_user=user
    )
    kind = ROSTER_CHANGED if reason else LISTED_TWICE
    raise_flag(case, kind, {"version": roster.number, "n_eligible": roster.n_eligible})
    return roster
