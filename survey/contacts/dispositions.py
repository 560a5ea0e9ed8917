"""Contact results in the words of AAPOR, and how a case's final result follows from them. Pure.

The codes are data (data/aapor_dispositions.json, which names its sources); the labels are Chinese.

Final result of a case, in this order:

0. An interview that was taken back does not count: contacts that say so (`voids`: a withdrawal, an interview
   that a supervisor found to be none) take the interviews before them out. The household may answer again.
1. An interview: complete (1.1) before partial (1.2), whatever else came before or after.
2. Otherwise the latest of the results that tell most: refusal or break-off (R), other eligible (O), not
   eligible (NE). A door that stays shut afterwards does not undo a refusal.
3. Otherwise the latest non-contact at a household known to be one (NC).
4. Otherwise unknown eligibility, a housing unit (UO) before an unknown one (UH), the latest of its class.
5. Otherwise 3.19 when a letter went out and nothing came back, 3.11 when nothing was tried.

The order follows AAPOR's rule that temporary results yield to final ones and that more information outranks
less (Standard Definitions, 9th ed. 2016, "Temporary vs. final disposition codes").
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

COMPLETE, PARTIAL = "1.1", "1.2"
NOTHING_RETURNED, NOT_ATTEMPTED = "3.19", "3.11"
# Which list of codes a mode of contact speaks.
LIST_OF_MODE = {
    "letter": "mail_web",
    "web": "mail_web",
    "wechat": "mail_web",
    "door": "in_person",
    "phone": "in_person",
}


class Disposition(NamedTuple):
    """One AAPOR code. `outcome_class` is I, P, R, NC, O, UH, UO, NE, or None for a heading of several."""

    code: str
    label_en: str
    label_zh: str
    outcome_class: str | None
    heading: bool
    seen_in_source: bool


class Contacted(NamedTuple):
    """What the final result needs to know of a contact."""

    mode: str
    at: datetime
    disposition: str
    voids: bool = False


def _load() -> dict[str, dict[str, Disposition]]:
    data = json.loads(Path(__file__).with_name("data").joinpath("aapor_dispositions.json").read_text("utf-8"))
    return {
        name: {row["code"]: Disposition(**row) for row in data[name]} for name in set(LIST_OF_MODE.values())
    }


_LISTS = _load()


def choices(mode: str) -> list[Disposition]:
    """The codes that may be recorded for a mode, in AAPOR's order: those that have an outcome class."""
    return [entry for entry in _LISTS[LIST_OF_MODE[mode]].values() if entry.outcome_class]


def find(mode: str, code: str) -> Disposition | None:
    """The disposition of `code` in the mode's list; None when it has none that may be recorded."""
    entry = _LISTS[LIST_OF_MODE[mode]].get(code)
    return entry if entry and entry.outcome_class else None


def outcome_class(mode: str, code: str) -> str:
    """I, P, R, NC, O, UH, UO or NE; "" for an unknown code or none."""
    entry = find(mode, code)
    return (entry.outcome_class or "") if entry else ""


def final(contacts: Sequence[Contacted]) -> Disposition:
    """The final disposition of a case from all its contacts, by the rule above."""
    voided_at = max((c.at for c in contacts if c.voids), default=None)
    classed = [
        (found, contact)
        for contact in sorted(contacts, key=lambda c: c.at)
        for found in [outcome_class(contact.mode, contact.disposition)]
        if not (voided_at is not None and found in ("I", "P") and contact.at <= voided_at)
    ]
    for wanted in ({"I"}, {"P"}, {"R", "O", "NE"}, {"NC"}, {"UO"}, {"UH"}):
        matching = [contact for found, contact in classed if found in wanted]
        if matching:
            last = matching[-1]
            return _LISTS[LIST_OF_MODE[last.mode]][last.disposition]
    if any(contact.mode == "letter" for contact in contacts):
        return _LISTS["mail_web"][NOTHING_RETURNED]
    return _LISTS["in_person"][NOT_ATTEMPTED]
