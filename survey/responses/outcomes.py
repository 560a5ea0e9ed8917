"""Final AAPOR class of every case, with its answer and status taken into account. No answer is read."""

from collections import Counter
from typing import Any

import numpy as np

from survey.contacts import dispositions
from survey.contacts.models import Contact
from survey.contacts.services.contacting import VOIDS
from survey.responses.queries import case_columns
from survey.sampling.models import Case
from survey.studies.models import Round

# A page opened and left without an answer: AAPOR 2.113, implicit refusal.
OPENED_CLASS = "R"
# What a stored status says where no contact tells more. UNKNOWN comes from a visit, which says itself whether
# UH or UO.
CLASS_OF_STATUS = {
    Case.Status.OPENED: OPENED_CLASS,
    Case.Status.REFUSED: "R",
    Case.Status.UNABLE: "O",
    Case.Status.INELIGIBLE: "NE",
}


def outcome_classes(round: Round, cases: dict[str, Any] | None = None) -> np.ndarray:
    """I, P, R, NC, O, UH, UO or NE of each released case, in the order of `case_columns`.

    Parameters
    ----------
    cases : the columns of `case_columns(round)`, if they have been read already.

    Notes
    -----
    An answer that stands is an interview (I, or P where the contact says so). A case whose interview does not
    stand any more, although nothing took it back, counts as a refusal.
    """
    cases = cases or case_columns(round)
    contacts: dict[str, list[dispositions.Contacted]] = {}
    rows = (
        Contact.objects.filter(case__round=round)
        .order_by()
        .values_list("case__opaque_id", "mode", "at", "disposition", f"detail__{VOIDS}")
    )
    for case, mode, at, disposition, voids in rows.iterator():
        contacted = dispositions.Contacted(mode, at, disposition, bool(voids))
        contacts.setdefault(str(case), []).append(contacted)
    found = []
    for case, status, answered in zip(cases["case_id"], cases["status"], cases["responded"], strict=True):
        final = dispositions.final(contacts.get(case, [])).outcome_class or "UH"
        if answered:
            final = final if final in ("I", "P") else "I"
        elif final in ("I", "P"):
            final = "R"
        elif final in ("UH", "UO"):
            final = CLASS_OF_STATUS.get(status, final)
        found.append(final)
    return np.array(found, dtype=object)


def outcome_counts(round: Round) -> dict[str, int]:
    """Released cases by final AAPOR class, as a run would count them now."""
    return dict(Counter(outcome_classes(round).tolist()))
