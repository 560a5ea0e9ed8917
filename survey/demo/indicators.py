"""The demo's indicators: the shipped catalogue with targets, and a composite with a made-up inspection."""

import json

import numpy as np

from survey.accounts.models import User
from survey.indicators.models import IndicatorVersion
from survey.indicators.services import DEFAULT_INDICATORS, publish_indicator
from survey.regions.models import Region
from survey.reports.domains import ALL
from survey.reports.external import set_external_score
from survey.studies.models import Round

# Chosen for the demo so that some are met, some missed, and one cannot be told.
TARGETS = {"satisfaction": 75.0, "satisfied": 0.7, "aware_programme": 0.7, "support": 0.75, "feel_safe": 0.8}
INSPECTION = "inspection"
SOURCE = "模拟的实地检查，演示用，不是真的检查"
COMPOSITE = {
    "components": [
        {"indicator": "satisfaction", "weight": 85},
        {"external": INSPECTION, "weight": 15, "name": "实地检查（模拟）"},
    ],
    "rule": "实地检查的分数是演示时编的，没有误差；误差只算满意度那一部分",
}


def publish_demo_indicators(lead: User) -> list[IndicatorVersion]:
    """The catalogue with the demo's targets, and after it the composite."""
    entries = json.loads(DEFAULT_INDICATORS.read_text(encoding="utf-8"))["indicators"]
    versions = [
        publish_indicator(
            code=entry["code"],
            name=entry["name"],
            kind=entry["kind"],
            definition=entry["definition"],
            target=TARGETS.get(entry["code"], entry.get("target")),
            position=entry.get("position", position),
            acting_user=lead,
        )
        for position, entry in enumerate(entries)
    ]
    composite = publish_indicator(
        code="composite",
        name="综合得分（满意度 85%，实地检查 15%）",
        kind=IndicatorVersion.Kind.COMPOSITE,
        definition=COMPOSITE,
        position=len(entries),
        acting_user=lead,
    )
    return [*versions, composite]


def enter_inspections(round_: Round, lead: User, *, seed: int) -> None:
    """Made-up inspection scores of every street of the study; a district and the whole have their mean."""
    rng = np.random.default_rng(seed)
    means = []
    for district in round_.study.scope.order_by("path"):
        streets = Region.objects.filter(parent=district, level=Region.Level.STREET).order_by("path")
        scores = np.clip(rng.normal(82.0, 5.0, streets.count()), 60.0, 98.0).round(1)
        for street, score in zip(streets, scores.tolist(), strict=True):
            _enter(round_, street.code, score, lead)
        means.append(round(float(scores.mean()), 1))
        _enter(round_, district.code, means[-1], lead)
    _enter(round_, ALL, round(float(np.mean(means)), 1), lead)


def _enter(round_: Round, domain: str, value: float, lead: User) -> None:
    set_external_score(
        round=round_, code=INSPECTION, domain=domain, value=value, source=SOURCE, acting_user=lead
    )
