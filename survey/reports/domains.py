"""The domains that a run estimates: the whole, districts, streets, communities, and groups of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.regions.models import Region
from survey.reports.inputs import Inputs
from survey.reports.wording import read_wording
from survey.stats.scores import codes_of
from survey.stats.tables import Partition
from survey.studies.models import Round

ALL = "all"
DISTRICT, STREET, COMMUNITY = "district", "street", "community"
# Kinds of people: their classes make up the whole, and each is compared with it.
GROUPS = ("sex", "age", "education", "area")
REGIONS = (DISTRICT, STREET)
EDUCATION_ITEM = "D02"
COMMUNITY_DIGITS = 12


@dataclass(frozen=True, eq=False)
class Domain:
    """One domain. `key` names it in the document; `inside` has shape (n_cases,)."""

    key: str
    kind: str  # all, district, street, community, sex, age, education, area
    label: str
    parent: str
    inside: np.ndarray

    def entry(self) -> dict[str, str]:
        """What the document keeps of it."""
        return {"key": self.key, "kind": self.kind, "label": self.label, "parent": self.parent}


def region_key(path: str) -> str:
    """ "370105" → "370105000000": a region domain is named by its twelve-digit code."""
    return path.ljust(12, "0")


def make_domains(
    round: Round, inputs: Inputs, sex: np.ndarray, band: np.ndarray, bands: Sequence[Any]
) -> list[Domain]:
    """All domains with a released case but communities, in printing order."""
    everyone = np.ones(len(inputs.case_ids), dtype=bool)
    names = region_names(inputs)
    domains = [Domain(ALL, "all", scope_label(round), "", everyone)]
    for kind, column in ((DISTRICT, inputs.district), (STREET, inputs.street)):
        for path in sorted(set(column)):
            parent = ALL if kind == DISTRICT else region_key(path[:6])
            domains.append(Domain(region_key(path), kind, names[path], parent, column == path))
    for value, label in (("male", "男"), ("female", "女")):
        domains.append(Domain(f"sex:{value}", "sex", label, ALL, sex == value))
    for index, (low, high) in enumerate(bands):
        domains.append(Domain(f"age:{index}", "age", band_label(low, high), ALL, band == index))
    domains += _education(round, inputs)
    for value, label in (("urban", "城镇"), ("rural", "乡村")):
        inside = inputs.urban == value
        if inside.any():
            domains.append(Domain(f"area:{value}", "area", label, ALL, inside))
    return domains


def _education(round: Round, inputs: Inputs) -> list[Domain]:
    """Levels of education, where the questionnaire asks for them."""
    wording = read_wording(round.questionnaire_version.document, EDUCATION_ITEM)
    if wording is None or not wording.choices or EDUCATION_ITEM not in inputs.answers:
        return []
    codes = codes_of(inputs.answers[EDUCATION_ITEM])
    return [
        Domain(f"education:{code}", "education", label.get("zh-hans", code), ALL, codes == code)
        for code, label in wording.choices
    ]


def community_domains(inputs: Inputs) -> tuple[list[Domain], Partition]:
    """Communities with a released case, in the order of their codes, and as a classification of the cases.

    They are thousands: their `inside` is empty, and who is where stands in the classification alone.
    """
    column = np.array([path[:COMMUNITY_DIGITS] for path in inputs.path], dtype=object)
    paths, codes = np.unique(column.astype(str), return_inverse=True)
    names = dict(Region.objects.filter(path__in=paths.tolist()).values_list("path", "name"))
    nobody = np.zeros(0, dtype=bool)
    domains = [
        Domain(region_key(path), COMMUNITY, names[path], region_key(path[:9]), nobody) for path in paths
    ]
    return domains, Partition(COMMUNITY, codes, tuple(d.key for d in domains), within_psu=True)


def partitions_of(domains: Sequence[Domain]) -> list[Partition]:
    """The domains as classifications of the cases, in their order; communities lie within PSUs."""
    kinds: dict[str, list[Domain]] = {}
    for domain in domains:
        kinds.setdefault(domain.kind, []).append(domain)
    found = []
    for kind, members in kinds.items():
        codes = np.full(len(members[0].inside), -1)
        for place, domain in enumerate(members):
            codes[domain.inside] = place
        found.append(Partition(kind, codes, tuple(d.key for d in members), within_psu=kind == COMMUNITY))
    return found


def region_names(inputs: Inputs) -> dict[str, str]:
    """Names of the districts and streets of the cases, by path."""
    paths = {*inputs.district, *inputs.street}
    return dict(Region.objects.filter(path__in=paths).values_list("path", "name"))


def scope_label(round: Round) -> str:
    """Where the study was: its region, or the parts of it."""
    parts = list(round.study.scope.order_by("path").values_list("name", "path"))
    region = round.study.region
    if not parts or any(path == region.path for _, path in parts):
        return region.name
    return "、".join(name for name, _ in parts)


def band_label(low: int, high: int | None) -> str:
    """18–29 岁; 75 岁及以上."""
    return f"{low} 岁及以上" if high is None else f"{low}–{high} 岁"


def families(domains: Sequence[Domain]) -> list[tuple[str, list[str]]]:
    """(parent, siblings that make it up): the districts, each district's streets, sexes, age groups …"""
    found: dict[tuple[str, str], list[str]] = {}
    for domain in domains:
        if domain.kind != "all":
            found.setdefault((domain.kind, domain.parent), []).append(domain.key)
    return [(parent, members) for (_kind, parent), members in found.items()]


def sampled_psus(inputs: Inputs, domains: Sequence[Domain]) -> dict[str, float]:
    """Sampled PSUs of each street; infinite for a street made of certainty communities alone.

    A community drawn with certainty is a stratum of households, not a sampled PSU: in a street that has other
    communities too, only these count, because between them lies the variance that few PSUs cannot show.
    """
    found = {}
    for domain in domains:
        if domain.kind == STREET:
            others = set(inputs.psu[domain.inside & ~inputs.certainty])
            found[domain.key] = float(len(others)) if others else float("inf")
    return found
