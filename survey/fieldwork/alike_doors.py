"""Pictures of different doors that look the same: one photo that went round, or was taken off a screen."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from survey.fieldwork.models import DoorPhoto, VisitPhoto
from survey.stats.field_quality import Limits, alike_pictures
from survey.studies.models import Round

PICTURE = ("fingerprint", "case", "case__number", "case__community", "taken_by")


@dataclass
class Alike:
    """One visitor's pictures: how many he took at visits, and those that show another door's picture.

    `pictures` : {"case", "other": numbers of both doors, "bits": of 64 that differ}; `regions` : where.
    """

    taken: int = 0
    pictures: list[dict[str, str | int]] = field(default_factory=list)
    regions: set[int] = field(default_factory=set)


def alike_visits(round: Round) -> dict[int, Alike]:
    """{visitor: his pictures of visits against everybody's pictures of other doors}, visits and interviews.

    A door photographed twice is no doubt. Pairs of two interviews are found with the interviews' own doubts.
    """
    visits = list(
        VisitPhoto.objects.filter(case__round=round).order_by("taken_at", "pk").values_list(*PICTURE)
    )
    interviews = DoorPhoto.objects.filter(case__round=round).order_by("pk").values_list(*PICTURE)
    rows = [*visits, *interviews]
    found: dict[int, Alike] = defaultdict(Alike)
    if not visits:
        return found
    marks = np.array([int(mark, 16) for mark, *_rest in rows], dtype=np.uint64)
    bits, nearest = alike_pictures(marks, np.array([case for _mark, case, *_rest in rows]))
    for row, (_mark, _case, number, community, visitor) in enumerate(visits):
        if visitor is None:
            continue
        found[visitor].taken += 1
        if bits[row] <= Limits().photo_bits:
            other = rows[nearest[row]][2]
            found[visitor].pictures.append({"case": number, "other": other, "bits": int(bits[row])})
            found[visitor].regions.add(community)
    return found
