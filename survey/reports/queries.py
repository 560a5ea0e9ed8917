"""Reads reports for pages and files, always through `visible_to`."""

from typing import Any
from uuid import UUID

from survey.accounts.models import User
from survey.accounts.policies import MAY, may, require
from survey.common.errors import Problem
from survey.regions.models import Region
from survey.reports.domains import ALL
from survey.reports.models import Report, ResponseWeight, Run
from survey.reports.reach import cut_to
from survey.reports.reading import Reading, Scope, regions_of
from survey.reports.tables_api import public_tables
from survey.sampling.models import Draw

VIEWERS = MAY["reports.view"]


def visible_reports(user: User) -> Any:
    """Reports the user may open, newest first."""
    return Report.objects.visible_to(user).select_related("round__study__region", "published_by")


def find_report(user: User, number: str) -> Report:
    """One report by its number. Raises Problem common.not_found for an absent or an invisible one alike."""
    require(user, "reports.view")
    report = visible_reports(user).filter(number=number).first()
    if report is None:
        raise Problem("common.not_found")
    if not may(user, "sampling.view", report.round.study.region) and not _is_revealed(report):
        report.document = _without_communities(report.document)
    return report


def find_for_file(user: User, number: str) -> tuple[Report, Scope]:
    """A report to be taken away as a file: its document is cut to the reader's grants (`reach.cut_to`).

    The team's roles are granted on regions too, so that the same rule cuts for everybody.
    """
    report = find_report(user, number)
    report.document = cut_to(report.document, user.granted_paths(*VIEWERS))
    reading = Reading(report.document)
    return report, Scope(own_place(user, reading) or ALL, openable(user, regions_of(reading)))


def _is_revealed(report: Report) -> bool:
    """Whether everybody may know the communities that were drawn: their certificates are public."""
    draws = Draw.objects.filter(design__round=report.round_id).exclude(state=Draw.State.VOID)
    return draws.exists() and not draws.filter(revealed_at__isnull=True).exists()


def _without_communities(document: dict[str, Any]) -> dict[str, Any]:
    """Model figures of communities name the drawn ones: before the certificate they are the team's."""
    areas = {
        code: {name: part for name, part in found.items() if name != "community"} | {"community": {}}
        for code, found in (document.get("small_areas") or {}).items()
    }
    return document | {"communities": [], "small_areas": areas, "communities_withheld": True}


def find_run(user: User, pk: UUID) -> Run:
    """One finished run that the user may see before it is published."""
    run = Run.objects.visible_to(user).select_related("round__study__region").filter(pk=pk).first()
    if run is None or run.state != Run.State.DONE:
        raise Problem("common.not_found")
    return run


def heaviest(run: Run, most: int = 10) -> Any:
    """The responses with the largest weights of a run, the largest first."""
    return run.weights.order_by("-weight", "response_id")[:most]


def find_passport(user: User, pk: UUID, response_id: UUID) -> ResponseWeight:
    """The weight passport of one response in a run that the user may see; common.not_found otherwise."""
    found = find_run(user, pk).weights.filter(response=response_id).select_related("run__round").first()
    if found is None:
        raise Problem("common.not_found")
    return found


def may_open(user: User, key: str) -> bool:
    """Whether the page of a region (twelve-digit code) lies in the user's granted subtrees."""
    path = Region.objects.filter(code=key).values_list("path", flat=True).first()
    return path is not None and any(path.startswith(granted) for granted in user.granted_paths(*VIEWERS))


def openable(user: User, keys: list[str]) -> set[str]:
    """Those region codes that lie in the user's granted subtrees: a path is a code without its zeros."""
    granted = tuple(user.granted_paths(*VIEWERS))
    return {key for key in keys if key.startswith(granted)}


def tables_for(user: User, document: dict[str, Any]) -> dict[str, Any]:
    """What of a document this reader may have as data: the published tables, cut to his grants."""
    return public_tables(cut_to(document, user.granted_paths(*VIEWERS)))


def own_unit(user: User, keys: list[str]) -> str | None:
    """The reader's own street among these, when he is granted just one of them."""
    codes = {path.ljust(12, "0") for path in user.granted_paths(*VIEWERS) if len(path) == 9}
    mine = [key for key in keys if key in codes]
    return mine[0] if len(mine) == 1 else None


def own_place(user: User, reading: Reading) -> str | None:
    """The one place of a report that the user is granted, a street or, over several, their district."""
    own = own_unit(user, [d["key"] for d in reading.of_kind("street")])
    districts = [d["key"] for d in reading.of_kind("district")]
    mine = openable(user, districts) if len(districts) > 1 else set()
    return own or (mine.pop() if len(mine) == 1 else None)
