"""The round before: what its report published, and its weighted sample again for the covariance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.common.errors import Problem
from survey.regions.models import Region
from survey.reports.inputs import Inputs, drawn
from survey.reports.models import Report
from survey.reports.population import read_margins
from survey.reports.snapshots import read_snapshot
from survey.reports.weighting import run_weights
from survey.reports.wording import Wording
from survey.stats.change import Before
from survey.stats.weights import Weighted
from survey.studies.models import Round

TESTED, RULE, WORDING, ABSENT = "tested", "rule_changed", "wording_changed", "absent"


@dataclass(frozen=True, eq=False)
class Sample:
    """A round's answers with their weights, and the recipe behind them."""

    round: Round
    inputs: Inputs
    spec: dict[str, Any]
    weighted: Weighted
    sex: np.ndarray
    band: np.ndarray


@dataclass(frozen=True, eq=False)
class Previous:
    """An earlier round's published report.

    sample : from its snapshot by its own recipe; None where the snapshot is gone, so that shared communities
        cannot enter the error of a change
    """

    report: Report
    sample: Sample | None

    @property
    def inputs(self) -> Inputs | None:
        return self.sample.inputs if self.sample else None

    @property
    def weighted(self) -> Weighted | None:
        return self.sample.weighted if self.sample else None

    @property
    def document(self) -> dict[str, Any]:
        return self.report.document

    def entry(self) -> dict[str, Any]:
        """What the document keeps of it."""
        round = self.report.round
        return {
            "round": round.name,
            "number": round.number,
            "report": self.report.number,
            "hash": self.report.document_hash,
            "has_sample": self.weighted is not None,
        }

    def published(self, code: str) -> dict[str, Before]:
        """Its printed figures of an indicator."""
        cells = self.document["estimates"].get(code, {})
        return {
            key: Before(cell["estimate"], cell["se"], cell["df"], cell["variance"] == "pooled")
            for key, cell in cells.items()
            if "suppressed" not in cell and cell.get("se") is not None
        }


def find_reports(round: Round) -> list[Report]:
    """The published reports of the study's earlier rounds, the oldest first."""
    return list(
        Report.objects.filter(
            round__study=round.study, round__number__lt=round.number, state=Report.State.PUBLISHED
        )
        .select_related("round", "run__snapshot", "run__recipe")
        .order_by("round__number", "published_at")
    )


def find_previous(round: Round) -> Previous | None:
    """The last published report of an earlier round of the same study."""
    reports = find_reports(round)
    if not reports:
        return None
    report = reports[-1]
    if report.run.snapshot is None:
        return Previous(report, None)
    try:
        inputs = read_snapshot(report.run.snapshot)
        spec = report.run.recipe.spec
        totals, _rows = margins_for(report.round, inputs, spec)
        weighted, sex, band = run_weights(inputs, spec, totals)
    except Problem:
        return Previous(report, None)
    return Previous(report, Sample(report.round, inputs, spec, weighted, sex, band))


def margins_for(
    round: Round, inputs: Inputs, spec: Mapping[str, Any]
) -> tuple[dict[tuple[str, str, int], float], list[dict[str, Any]]]:
    """The population of a recipe's margins; see `population.read_margins`."""
    return read_margins(
        sorted(set(inputs.district)),
        frame=drawn(round).design.frame,
        source_year=spec["margins"]["source_year"],
        min_age=spec["margins"]["min_age"],
        bands=[tuple(band) for band in spec["poststratification"]["bands"]],
        scale=spec["margins"]["population_scale"],
    )


def comparable(
    previous: Mapping[str, Any], entry: Mapping[str, Any], wordings: Mapping[str, Wording]
) -> tuple[str, list[str]]:
    """Whether an indicator means the same as in an earlier document: (status, items that changed).

    Another rule is another figure; so is the same rule on a question that was worded differently or had other
    answers to choose from (in Simplified Chinese, the language of record).
    """
    earlier = {row["code"]: row for row in previous["indicators"]}.get(entry["code"])
    if earlier is None:
        return ABSENT, []
    if earlier["definition"] != entry["definition"] or earlier["kind"] != entry["kind"]:
        return RULE, []
    changed = [
        item["name"]
        for item in entry["definition"].get("items", [])
        if _asked(previous["items"].get(item["name"]))
        != _asked(wordings[item["name"]].entry() if item["name"] in wordings else None)
    ]
    return (WORDING, changed) if changed else (TESTED, [])


def _asked(entry: Mapping[str, Any] | None) -> Any:
    if entry is None:
        return None
    choices = [(str(c["code"]), c["label"].get("zh-hans")) for c in entry["choices"]]
    return entry["label"].get("zh-hans"), choices


def split_regions(previous: Mapping[str, Any], domains: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Regions of this round that the earlier document does not have, with those they came from, if known."""
    earlier = {entry["key"] for entry in previous["domains"]}
    new = [entry for entry in domains if entry["key"].isdigit() and entry["key"] not in earlier]
    parents: dict[str, list[str]] = {}
    rows = Region.objects.filter(successor__code__in=[entry["key"] for entry in new])
    for code, name in rows.values_list("successor__code", "name"):
        parents.setdefault(code, []).append(name)
    return [{"domain": entry["key"], "from": sorted(parents.get(entry["key"], []))} for entry in new]
