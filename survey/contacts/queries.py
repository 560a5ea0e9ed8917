"""Reads households for letters and doors: where they are, and who still waits for a letter."""

from collections.abc import Callable, Iterable

from django.db.models import Exists, OuterRef, QuerySet

from survey.common.crypto import decrypt
from survey.contacts.models import Contact
from survey.regions.models import Region
from survey.sampling.household_rows import ADDRESS_PURPOSE
from survey.sampling.models import Case, Draw
from survey.studies.models import Round

_OFFICE_SUFFIXES = ("居民委员会", "村民委员会", "居委会", "村委会")
CONTACTABLE = (Case.Status.WAITING, Case.Status.OPENED, Case.Status.UNKNOWN)
# Other ways by which a household got a step, or may have got it; each app above that has one registers it.
Taken = Callable[[str], Exists]
_TAKEN: list[Taken] = []


def step_taken(rule: Taken) -> Taken:
    """Register a way other than letters: from a step's name to whether a case (`OuterRef("pk")`) got it."""
    if rule not in _TAKEN:
        _TAKEN.append(rule)
    return rule


def address_of(case: Case) -> str:
    """The household's address in the clear. For letters and for the interviewer at the door only."""
    return decrypt(case.frame_unit.address_cipher, ADDRESS_PURPOSE)


def spoken_name(name: str) -> str:
    """A community as people say it: its committee's name without 居委会 or 村委会."""
    for suffix in _OFFICE_SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return name


def place_of(community: Region) -> str:
    """City, district, street and community in one line, the way an envelope has them."""
    names, region = [], community
    while region is not None and region.level != Region.Level.PROVINCE:
        names.append(spoken_name(region.name))
        # Stops at the city without looking further up: the province would be a query for each household.
        region = region.parent if region.level != Region.Level.CITY else None
    return " ".join(reversed(names))


def drawn_cases(round: Round) -> QuerySet[Case]:
    """The round's cases that may be contacted at all: of a standing draw and a released replicate."""
    return (
        Case.objects.released()
        .filter(round=round, draw__state=Draw.State.DRAWN)
        .select_related("frame_unit__frame", "community__parent__parent__parent", "round__study")
        .order_by("community__path", "number")
    )


def cases_for_letters(round: Round, *, step: str, case_ids: Iterable[int] | None = None) -> QuerySet[Case]:
    """Households that get a letter of this step, in the order in which letters are bundled.

    Without `case_ids`: those that have had nothing of this step, by letter or otherwise: a household gets
    each step once. With them: those, whatever they had (a reprint). Households that answered, refused or are
    not eligible get no letter either way.
    """
    cases = drawn_cases(round).filter(status__in=CONTACTABLE)
    if case_ids is not None:
        return cases.filter(pk__in=list(case_ids))
    sent = Contact.objects.filter(case=OuterRef("pk"), mode=Contact.Mode.LETTER, detail__step=step)
    cases = cases.filter(~Exists(sent))
    for taken in _TAKEN:
        cases = cases.filter(~taken(step))
    return cases
