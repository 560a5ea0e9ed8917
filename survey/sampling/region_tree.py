"""The sample by region for the sampling report: district → street → community, each with its counts.

Households are those of the frame, PSUs those that the design works with, drawn PSUs and cases what the draw
took and has released. A PSU of several communities counts where its first community lies; it never crosses a
street.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Q

from survey.regions.codes import path_at
from survey.regions.models import Region
from survey.sampling.models import PSU, Case, Draw, FrameVersion

COUNTS = ("n_households", "n_communities", "n_psus", "n_drawn", "n_cases")


@dataclass
class Branch:
    """One region with its counts. `psu`: of a community, the PSU that it is joined into, if it is joined."""

    code: str
    name: str
    n_households: int = 0
    n_communities: int = 0
    n_psus: int = 0
    n_drawn: int = 0
    n_cases: int = 0
    is_certainty: bool = False
    psu: str = ""
    children: list["Branch"] = field(default_factory=list)

    def count(self, leaf: "Branch") -> None:
        """Add a community's counts to a region above it."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(leaf, name))


def region_tree(draw: Draw) -> list[Branch]:
    """Districts with their streets; communities only counted. A few hundred branches for a whole city."""
    return _tree(_leaves(draw, _scope(draw)), with_leaves=False)


def district_tree(draw: Draw, code: str) -> Branch | None:
    """One district with its streets and their communities; None where the design has no such district."""
    path = path_at(code, "district")
    if not any(path.startswith(part) or part.startswith(path) for part in _scope(draw)):
        return None
    inside = [part if part.startswith(path) else path for part in _scope(draw)]
    found = _tree(_leaves(draw, [p for p in inside if p.startswith(path)]), with_leaves=True)
    return found[0] if found else None


def household_counts(frame: FrameVersion) -> dict[str, int]:
    """Path of each community in the frame → its family households."""
    stored = frame.trees.values_list("community__path", "n_family")
    if found := dict(stored):
        return found
    # Frames of release 1 have no community rows.
    family = Count("pk", filter=Q(is_collective=False))
    rows = frame.units.order_by().values_list("community__path").annotate(n=family)
    return dict(rows)


def _scope(draw: Draw) -> list[str]:
    """Paths that the study covers."""
    study = draw.design.round.study
    return [region.path for region in study.scope.all()] or [study.region.path]


def _leaves(draw: Draw, scope: Iterable[str]) -> list[tuple[str, Branch]]:
    """(path, branch) of every community of the frame within the paths, in order of the paths."""
    within = tuple(scope)
    households = {p: n for p, n in household_counts(draw.design.frame).items() if p.startswith(within)}
    regions: dict[str, str] = {}
    for part in within:
        rows = Region.objects.within(part).filter(level=Region.Level.COMMUNITY)
        regions.update(rows.values_list("path", "name"))
    first, joined = _psus(draw)
    drawn = dict(draw.psus.values_list("psu__code", "is_certainty"))
    released = Case.objects.filter(draw=draw, replicate__released_at__isnull=False).order_by()
    cases = Counter(dict(released.values_list("community__path").annotate(n=Count("pk"))))
    leaves = []
    for path, n in sorted(households.items()):
        code = path.ljust(12, "0")
        psu = joined.get(code, code if code in first else "")
        leaves.append(
            (
                path,
                Branch(
                    code=code,
                    name=regions.get(path, code),
                    n_households=n,
                    n_communities=1,
                    n_psus=int(code in first),
                    n_drawn=int(code in drawn),
                    n_cases=cases[path],
                    is_certainty=drawn.get(psu, False),
                    psu=first.get(joined[code], "") if code in joined else "",
                ),
            )
        )
    return leaves


def _psus(draw: Draw) -> tuple[dict[str, str], dict[str, str]]:
    """PSU code → name; community code → PSU code, for communities of PSUs that are several."""
    plan = draw.design.plan
    psus = PSU.objects.filter(frame=draw.design.frame_id, joining_rule=plan["rules"]["psu_set"])
    names = dict(psus.values_list("code", "name"))
    joined = {code: codes[0] for codes in plan["joined_psus"] for code in codes}
    return names, joined


def _tree(leaves: list[tuple[str, Branch]], *, with_leaves: bool) -> list[Branch]:
    above = {path_at(path, level) for path, _leaf in leaves for level in ("district", "street")}
    names = dict(Region.objects.filter(path__in=above).values_list("path", "name"))
    districts: dict[str, Branch] = {}
    streets: dict[str, Branch] = {}
    for path, leaf in leaves:
        district_path, street_path = path_at(path, "district"), path_at(path, "street")
        district = districts.setdefault(district_path, _branch(district_path, names))
        if street_path not in streets:
            streets[street_path] = _branch(street_path, names)
            district.children.append(streets[street_path])
        if with_leaves:
            streets[street_path].children.append(leaf)
        streets[street_path].count(leaf)
        district.count(leaf)
    return list(districts.values())


def _branch(path: str, names: dict[str, str]) -> Branch:
    return Branch(code=path.ljust(12, "0"), name=names.get(path, path))
