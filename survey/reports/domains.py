"""The domains that a run estimates: the whole, districts, streets, sexes, age groups."""

from dataclasses import dataclass

import numpy as np

from survey.regions.models import Region
from survey.reports.inputs import Inputs
from survey.studies.models import Round

ALL = "all"


@dataclass(frozen=True, eq=False)
class Domain:
    """One domain. `key` names it in the document; `inside` has shape (n_cases,)."""

    key: str
    kind: str  # all, district, street, sex, age
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
    round: Round, inputs: Inputs, sex: np.ndarray, band: np.ndarray, bands: list[list[int | None]]
) -> list[Domain]:
    """All domains with a released case, in printing order."""
    everyone = np.ones(len(inputs.case_ids), dtype=bool)
    names = region_names(inputs)
    domains = [Domain(ALL, "all", scope_label(round), "", everyone)]
    for kind, column in (("district", inputs.district), ("street", inputs.street)):
        for path in sorted(set(column)):
            parent = ALL if kind == "district" else region_key(path[:6])
            domains.append(Domain(region_key(path), kind, names[path], parent, column == path))
    for value, label in (("male", "男"), ("female", "女")):
        domains.append(Domain(f"sex:{value}", "sex", label, ALL, sex == value))
    for index, (low, high) in enumerate(bands):
        domains.append(Domain(f"age:{index}", "age", band_label(low, high), ALL, band == index))
    return domains


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


def families(domains: list[Domain]) -> list[list[str]]:
    """Siblings that make up a printed parent: the districts, each district's streets, sexes, age groups."""
    found: dict[tuple[str, str], list[str]] = {}
    for domain in domains:
        if domain.kind != "all":
            found.setdefault((domain.kind, domain.parent), []).append(domain.key)
    return list(found.values())


def sampled_psus(inputs: Inputs, domains: list[Domain]) -> dict[str, float]:
    """Sampled PSUs of each street; infinite for a street made of certainty communities alone.

    A community drawn with certainty is a stratum of households, not a sampled PSU: in a street that has other
    communities too, only these count, because between them lies the variance that few PSUs cannot show.
    """
    found = {}
    for domain in domains:
        if domain.kind == "street":
            others = set(inputs.psu[domain.inside & ~inputs.certainty])
            found[domain.key] = float(len(others)) if others else float("inf")
    return found
