"""Reads reports for pages and files, always through `visible_to`."""

from typing import Any
from uuid import UUID

from survey.accounts.models import User
from survey.accounts.policies import MAY, may, require
from survey.common.errors import Problem
from survey.regions.models import Region
from survey.reports.models import Report, Run
from survey.reports.reading import Reading
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
    return document | {"communities": [], "small_areas": areas}


def find_run(user: User, pk: UUID) -> Run:
    """One finished run that the user may see before it is published."""
    run = Run.objects.visible_to(user).select_related("round__study__region").filter(pk=pk).first()
    if run is None or run.state != Run.State.DONE:
        raise Problem("common.not_found")
    return run


def may_open(user: User, key: str) -> bool:
    """Whether the page of a region (twelve-digit code) lies in the user's granted subtrees."""
    path = Region.objects.filter(code=key).values_list("path", flat=True).first()
    return path is not None and any(path.startswith(granted) for granted in user.granted_paths(*VIEWERS))


def openable(user: User, keys: list[str]) -> set[str]:
    """Those region codes that lie in the user's granted subtrees: a path is a code without its zeros."""
    granted = tuple(user.granted_paths(*VIEWERS))
    return {key for key in keys if key.startswith(granted)}


def tables_for(user: User, document: dict[str, Any]) -> dict[str, Any]:
    """What of a document this reader may have: figures of all places, answers in detail of his own.

    The team's roles are granted on regions too, so that the same rule cuts for everybody.
    """
    granted = user.granted_paths(*VIEWERS)

    def is_open(key: str) -> bool:
        return not key.isdigit() or any(key.startswith(path) for path in granted)

    found = public_tables(document)
    found["distributions"] = {
        item: data | {"domains": {k: cell for k, cell in data["domains"].items() if is_open(k)}}
        for item, data in found.get("distributions", {}).items()
    }
    found["small_areas"] = {
        code: part | {"community": {k: cell for k, cell in part["community"].items() if is_open(k)}}
        for code, part in found.get("small_areas", {}).items()
    }
    return found


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
