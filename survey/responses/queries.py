"""Reads answers for estimation. Columns leave here without any name, address, code or open text."""

from typing import Any

from survey.responses.models import Response
from survey.sampling.models import Case
from survey.studies.models import Round

CHUNK_ROWS = 2000


def snapshot(round: Round) -> dict[str, Any]:
    """The counted responses of a round as columns of equal length, in the order of their ids.

    Returns
    -------
    dict : one list per column, each of length n responses:

    - ``response_id``, ``case_id`` (opaque ids as text; ``case_id`` is None for a volunteer),
      ``sample_kind`` ("probability" or "volunteer"), ``mode``, ``language``, ``questionnaire_version``;
    - ``region_path`` of the community ("370105001201": a subtree is a prefix);
    - ``stage1_probability``, ``stage2_probability`` (household within its community; their product is the
      household's inclusion probability), ``person_probability`` (of the adult within the household),
      ``n_eligible``, ``selection_method``; all None for a volunteer;
    - ``variance_stratum``, ``variance_psu``;
    - ``answers``: {item: list} with the answers as stored (codes as text, numbers as numbers, several
      choices as a list; None where the item was not asked or not answered). Open text never leaves.

    Only responses that stand are here: accepted, newest revision. Withdrawn ones are gone.
    """
    rows = (
        Response.objects.counted()
        .filter(round=round)
        .select_related("case", "region", "selected_person")
        .order_by("id")
    )
    columns: dict[str, list[Any]] = {name: [] for name in (*_OF_RESPONSE, *_OF_CASE, *_OF_PERSON)}
    answers: dict[str, list[Any]] = {}
    for n, response in enumerate(rows.iterator(chunk_size=CHUNK_ROWS)):
        for name, read in _OF_RESPONSE.items():
            columns[name].append(read(response))
        for name in _OF_CASE:
            columns[name].append(getattr(response.case, name) if response.case else None)
        person = response.selected_person
        columns["n_eligible"].append(person.n_eligible if person else None)
        columns["selection_method"].append(person.method if person else None)
        for item, value in response.answers.items():
            answers.setdefault(item, [None] * n).append(value)
        for values in answers.values():
            if len(values) == n:
                values.append(None)
    return {**columns, "answers": answers}


_OF_RESPONSE = {
    "response_id": lambda r: str(r.id),
    "case_id": lambda r: str(r.case_id) if r.case_id else None,
    "sample_kind": lambda r: r.sample_kind,
    "mode": lambda r: r.mode,
    "language": lambda r: r.language,
    "questionnaire_version": lambda r: r.questionnaire_version_id,
    "region_path": lambda r: r.region.path,
    "person_probability": lambda r: r.person_probability,
}
_OF_CASE = ("stage1_probability", "stage2_probability", "variance_stratum", "variance_psu")
_OF_PERSON = ("n_eligible", "selection_method")


def case_columns(round: Round) -> dict[str, list[Any]]:
    """Every released case of a round, answered or not: what a response adjustment is computed from.

    Columns of equal length in the order of the opaque ids: ``case_id``, ``region_path``, ``status``,
    ``stage1_probability``, ``stage2_probability``, ``variance_stratum``, ``variance_psu``, and
    ``responded`` (a counted response stands).
    """
    answered = set(
        Response.objects.counted().filter(round=round, case__isnull=False).values_list("case_id", flat=True)
    )
    names = ("opaque_id", "community__path", "status", *_OF_CASE)
    rows = Case.objects.released().filter(round=round).order_by("opaque_id").values_list(*names)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("case_id", "region_path", "status", *_OF_CASE, "responded")
    }
    for row in rows.iterator(chunk_size=CHUNK_ROWS):
        for name, value in zip(columns, (str(row[0]), *row[1:], row[0] in answered), strict=True):
            columns[name].append(value)
    return columns
