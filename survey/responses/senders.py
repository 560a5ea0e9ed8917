"""Who sends: the respondent with no more of the round, household and person than saving and handing in read.

Phones do that all the time, so it is one prepared statement.
"""

import uuid
from functools import cache

from survey.common.statements import read, run, stored
from survey.contacts.models import SelectedPerson
from survey.regions.models import Region
from survey.responses.models import Respondent
from survey.sampling.models import Case
from survey.studies.models import Round

_RESPONDENT = (
    "id",
    "public_id",
    "round_id",
    "case_id",
    "channel",
    "identity_hash",
    "device_hash",
    "selected_person_id",
)
_ROUND = ("id", "study_id", "state", "questionnaire_version_id", "consent_text_id")
_CASE = ("id", "round_id", "opaque_id", "number", "community_id", "status")
_COMMUNITY = ("id", "code", "path")
_PERSON = ("id", "probability")
_PARTS = (
    (Respondent, "r", _RESPONDENT),
    (Round, "o", _ROUND),
    (Case, "k", _CASE),
    (Region, "g", _COMMUNITY),
    (SelectedPerson, "p", _PERSON),
)


def read_sender(public_id: uuid.UUID) -> Respondent | None:
    """The respondent of this address with `round`, `case.community` and `selected_person`, each in part."""
    rows = run(_statement(), [stored(Respondent, "public_id", public_id)])
    if not rows:
        return None
    values, parts = iter(rows[0]), []
    for model, _alias, names in _PARTS:
        part = [next(values) for _name in names]
        parts.append(read(model, names, part) if part[0] is not None else None)
    respondent, round_, case, community, person = parts
    respondent.round, respondent.case, respondent.selected_person = round_, case, person
    if case is not None:
        case.community = community
    return respondent


@cache
def _statement() -> str:
    columns = ", ".join(
        f'{alias}."{model._meta.get_field(name).column}"' for model, alias, names in _PARTS for name in names
    )
    tables = {alias: model._meta.db_table for model, alias, _names in _PARTS}
    # Names come from our own models; the value is a parameter.
    return """
        SELECT {columns}
        FROM {r} r
        JOIN {o} o ON o.id = r.round_id
        LEFT JOIN {k} k ON k.id = r.case_id
        LEFT JOIN {g} g ON g.id = k.community_id
        LEFT JOIN {p} p ON p.id = r.selected_person_id
        WHERE r.public_id = %s
    """.format(columns=columns, **tables)  # noqa: S608
