"""Doubled addresses of a stored frame, found by their keyed hashes: the addresses stay encrypted."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Min, QuerySet, Window

from survey.sampling.models import FrameUnit, FrameVersion

LINES_READ = 2000


class Doubled(NamedTuple):
    """A household with the address of an earlier one of its community, by their places in the list."""

    position: int
    first: int


def _addresses(frame: FrameVersion) -> QuerySet[FrameUnit, dict[str, Any]]:
    """Addresses that occur more than once."""
    return (
        FrameUnit.objects.filter(frame=frame)
        .order_by()
        .values("address_hash")
        .annotate(n=Count("pk"), lowest=Min("community"), highest=Max("community"))
        .filter(n__gt=1)
    )


def has_doubled_addresses(frame: FrameVersion) -> bool:
    """Whether any address occurs twice, in one community or in several: one pass over the frame."""
    return _addresses(frame).exists()


def doubled_within(frame: FrameVersion) -> Iterator[Doubled]:
    """Every household whose address came before in the same community, in the list's order."""
    first = Window(Min("position"), partition_by=[F("community"), F("address_hash")])
    rows = (
        FrameUnit.objects.filter(frame=frame, address_hash__in=_addresses(frame).values("address_hash"))
        .annotate(first=first)
        .filter(position__gt=F("first"))
        .order_by("position")
    )
    for position, first_position in rows.values_list("position", "first").iterator(chunk_size=LINES_READ):
        yield Doubled(position, first_position)


def doubled_across(frame: FrameVersion, listed: int) -> tuple[int, list[dict[str, Any]]]:
    """Addresses that occur in several communities: how many, and the first ones.

    Each: {"positions": places in the list, "communities": [{"code", "name"}]}. They are not refused: "1号楼
    101" may be two doors; but one door on two lists has two chances.
    """
    shared = _addresses(frame).filter(lowest__lt=F("highest"))
    hashes = list(shared.order_by("address_hash").values_list("address_hash", flat=True)[:listed])
    rows = (
        FrameUnit.objects.filter(frame=frame, address_hash__in=hashes)
        .order_by("address_hash", "position")
        .values_list("address_hash", "position", "community__code", "community__name")
    )
    examples: dict[str, dict[str, Any]] = {}
    for address, position, code, name in rows:
        example = examples.setdefault(address, {"positions": [], "communities": {}})
        example["positions"].append(position)
        example["communities"][code] = name
    places = [
        {
            "positions": example["positions"],
            "communities": [{"code": code, "name": name} for code, name in example["communities"].items()],
        }
        for example in examples.values()
    ]
    return shared.count(), sorted(places, key=lambda place: place["positions"])
