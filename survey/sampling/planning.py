"""Plans the two-stage design before anything is drawn: PSUs, strata, allocation. Pure and deterministic.

Rules (named in the plan, so that a reader of the certificate can check them):

PSUs ("next-in-street"): communities of a street in code order; one with fewer households than are drawn in a
PSU is joined with the next until there are enough; what is left at the end joins the PSU before it.

Strata: a street is a stratum. A PSU that reaches the sampling interval enters with certainty, as a stratum
of its own whose PSUs are its households. Every other stratum takes at least two PSUs. Where it cannot, it is
joined with the next street of its district in code order that has PSUs to sample (the last one with the
street before it), for one of these reasons:

- "few-psus": fewer than two PSUs are left besides the certain ones;
- "budget": the PSUs do not suffice for two in each stratum; the stratum with the fewest households is joined;
- "allocation": certainty units use up the number given for the street;
- "dominant-psu": a community holds so much of a stratum that fewer than two PSUs would be left to chance.

In a district with no other street to join, those PSUs enter with certainty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from survey.stats.selection import certainty_units, proportional_allocation

JOIN_PSUS = "next-in-street"
JOIN_STREETS = "next-street-of-district"
MIN_PSUS = 2


class Impossible(Exception):
    """The design cannot be met. `kind` and `values` say why, `possible` what would work."""

    def __init__(self, kind: str, possible: dict[str, int], **values: object) -> None:
        self.kind, self.possible, self.values = kind, possible, values
        super().__init__(kind)


@dataclass(frozen=True)
class Community:
    """One community with its family households."""

    code: str
    name: str
    street: str
    n_households: int


@dataclass(frozen=True)
class PlannedPSU:
    """One or more communities of a street, in code order; its code is that of the first."""

    communities: tuple[Community, ...]

    @property
    def code(self) -> str:
        return self.communities[0].code

    @property
    def street(self) -> str:
        return self.communities[0].street

    @property
    def n_households(self) -> int:
        return sum(community.n_households for community in self.communities)


@dataclass(frozen=True)
class PlannedStratum:
    """A stratum ready to be drawn. `joined`: why its streets were joined; certainty strata are one PSU."""

    code: str
    streets: tuple[str, ...]
    psus: tuple[PlannedPSU, ...]
    n_take: int
    certainty: bool = False
    joined: tuple[str, ...] = ()

    @property
    def n_households(self) -> int:
        return sum(psu.n_households for psu in self.psus)


def build_psus(communities: Sequence[Community], least: int) -> list[PlannedPSU]:
    """PSUs of at least `least` households, by the rule above. Communities without households are left out.

    Raises
    ------
    Impossible street_too_small : a whole street has fewer; `possible` is the largest number that works.
    """
    streets: dict[str, list[Community]] = {}
    for community in sorted(communities, key=lambda c: c.code):
        if community.n_households:
            streets.setdefault(community.street, []).append(community)
    totals = {street: sum(c.n_households for c in members) for street, members in streets.items()}
    small = [street for street, total in totals.items() if total < least]
    if small:
        raise Impossible(
            "street_too_small", {"least": min(totals.values())}, street=small[0], households=totals[small[0]]
        )
    psus: list[PlannedPSU] = []
    for members in streets.values():
        groups: list[list[Community]] = [[]]
        for community in members:
            if sum(c.n_households for c in groups[-1]) >= least:
                groups.append([])
            groups[-1].append(community)
        if len(groups) > 1 and sum(c.n_households for c in groups[-1]) < least:
            short = groups.pop()
            groups[-1] += short
        psus += [PlannedPSU(tuple(group)) for group in groups]
    return psus


@dataclass
class _Group:
    """A stratum in the making: streets of one district, in code order."""

    streets: list[str]
    reasons: list[str] = field(default_factory=list)
    rest: dict[str, int] | None = None  # PSUs left to chance, once asked for

    @property
    def district(self) -> str:
        return self.streets[0][:6]


class StrataPlanner:
    """Joins streets and finds certainty units until every stratum can be drawn.

    Parameters
    ----------
    psus : all PSUs of the population.
    n : number of PSUs to take in all; None when `allocation` is given.
    allocation : street → number of PSUs, instead of shares of n in proportion to households.
    least : smallest number of PSUs in a stratum that is not of certainty (two or more).
    """

    def __init__(
        self,
        psus: Sequence[PlannedPSU],
        n: int | None,
        allocation: Mapping[str, int] | None = None,
        least: int = MIN_PSUS,
    ) -> None:
        self.psus = {psu.code: psu for psu in psus}
        # By street, for a city has thousands of PSUs and is gone through once for each join.
        self.sizes: dict[str, dict[str, int]] = {}
        for psu in psus:
            self.sizes.setdefault(psu.street, {})[psu.code] = psu.n_households
        self.allocation = allocation
        self.n = sum(allocation.values()) if allocation is not None else int(n or 0)
        self.least = least
        self.certain: set[str] = set()
        self.groups = [_Group([street]) for street in sorted(self.sizes)]

    def plan(self) -> list[PlannedStratum]:
        """The strata, by code; their takes add up to n.

        Raises
        ------
        Impossible : too_many_psus, too_few_psus, stratum_without_frame (a street is given PSUs and has no
        household to draw), stratum_without_allocation, allocation_too_many, allocation_too_few.
        """
        self._check()
        if self.allocation is None:
            sizes = {code: psu.n_households for code, psu in self.psus.items()}
            self.certain.update(certainty_units(sizes, self.n))
        # Each round joins two strata or adds certainty units, so this ends.
        while self._join_few() or self._join_for_budget() or self._settle_large():
            pass
        return self._strata()

    def _check(self) -> None:
        if self.allocation is None:
            if self.n > len(self.psus):
                raise Impossible("too_many_psus", {"n": len(self.psus)}, n=self.n)
            return
        streets = {group.streets[0] for group in self.groups}
        possible = {"streets": len(streets)}
        if unknown := sorted(self.allocation.keys() - streets):
            raise Impossible("stratum_without_frame", possible, street=unknown[0], n=len(unknown))
        if forgotten := sorted(streets - self.allocation.keys()):
            raise Impossible("stratum_without_allocation", possible, street=forgotten[0], n=len(forgotten))
        for street, n in sorted(self.allocation.items()):
            there = len(self.sizes[street])
            if n > there:
                raise Impossible("allocation_too_many", {"n": there}, street=street, n=n)

    def _rest(self, group: _Group) -> dict[str, int]:
        """PSU → households, of the group's PSUs that are not certain."""
        if group.rest is None:
            group.rest = {
                code: size
                for street in group.streets
                for code, size in self.sizes[street].items()
                if code not in self.certain
            }
        return group.rest

    def _settle(self, group: _Group, codes: Iterable[str]) -> None:
        """PSUs of a group become certain."""
        self.certain.update(codes)
        group.rest = None

    def _open(self) -> list[tuple[_Group, dict[str, int]]]:
        """Groups that still have PSUs to sample from, with those PSUs."""
        return [(group, rest) for group in self.groups if (rest := self._rest(group))]

    def _join(self, group: _Group, reason: str) -> bool:
        """Join a group with the next open one of its district, else the one before. False: there is none."""
        peers = [other for other, _rest in self._open() if other.district == group.district]
        place = peers.index(group)
        if len(peers) == 1:
            return False
        other = peers[place + 1] if place + 1 < len(peers) else peers[place - 1]
        group.streets, group.rest = sorted(group.streets + other.streets), None
        group.reasons = list(dict.fromkeys([*group.reasons, *other.reasons, reason]))
        self.groups.remove(other)
        self.groups.sort(key=lambda g: g.streets[0])
        return True

    def _join_few(self) -> bool:
        """A group with too few PSUs left is joined; alone in its district, its PSUs become certain."""
        for group, rest in self._open():
            if len(rest) < self.least:
                if not self._join(group, "few-psus"):
                    self._settle(group, rest)
                return True
        return False

    def _join_for_budget(self) -> bool:
        """Join until the number of PSUs suffices for the least number in every group."""
        if self.allocation is not None:
            return self._join_by_allocation()
        groups = self._open()
        if self.n - len(self.certain) >= self.least * len(groups):
            return False
        for group, _rest in sorted(groups, key=lambda g: (sum(g[1].values()), g[0].streets[0])):
            if self._join(group, "budget"):
                return True
        raise Impossible("too_few_psus", {}, n=self.n)

    def _join_by_allocation(self) -> bool:
        for group, _rest in self._open():
            if self._given(group) < self.least:
                if self._join(group, "allocation"):
                    return True
                n = sum(self.allocation[street] for street in group.streets)
                missing = self.least - self._given(group)
                raise Impossible("allocation_too_few", {"n": n + missing}, street=group.streets[0], n=n)
        return False

    def _given(self, group: _Group) -> int:
        """The group's number by the given allocation, without its certainty units."""
        certain = sum(len(self.sizes[street]) for street in group.streets) - len(self._rest(group))
        return sum(self.allocation[street] for street in group.streets) - certain

    def _takes(self) -> dict[str, int]:
        """First street of each open group → number of PSUs to take."""
        groups = self._open()
        if self.allocation is not None:
            return {group.streets[0]: self._given(group) for group, _rest in groups}
        return proportional_allocation(
            {group.streets[0]: sum(rest.values()) for group, rest in groups},
            self.n - len(self.certain),
            at_least=self.least,
            at_most={group.streets[0]: len(rest) for group, rest in groups},
        )

    def _settle_large(self) -> bool:
        """PSUs that reach their group's interval become certain; a group with too few left is joined."""
        takes = self._takes()
        for group, rest in self._open():
            n, total = takes[group.streets[0]], sum(rest.values())
            large = [code for code, size in rest.items() if size * n >= total]
            if large:
                if n - len(large) >= self.least or not self._join(group, "dominant-psu"):
                    self._settle(group, large)
                return True
        return False

    def _strata(self) -> list[PlannedStratum]:
        takes = self._takes()
        strata = [
            PlannedStratum(
                code=group.streets[0] + (f"+{len(group.streets) - 1}" if len(group.streets) > 1 else ""),
                streets=tuple(group.streets),
                psus=tuple(self.psus[code] for code in sorted(rest)),
                n_take=takes[group.streets[0]],
                joined=tuple(group.reasons),
            )
            for group, rest in self._open()
        ]
        strata += [
            PlannedStratum(code, (self.psus[code].street,), (self.psus[code],), 1, certainty=True)
            for code in self.certain
        ]
        return sorted(strata, key=lambda stratum: stratum.code)


def largest_least(communities: Sequence[Community], n: int) -> int | None:
    """The most households a PSU can be asked for, so that joining leaves at least n PSUs; None if n never.

    Joining from a larger least size never gives more PSUs, so halving finds it.
    """
    low, high = 0, sum(community.n_households for community in communities)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            enough = len(build_psus(communities, middle)) >= n
        except Impossible:
            enough = False
        low, high = (middle, high) if enough else (low, middle - 1)
    return low or None


def nearest_possible(psus: Sequence[PlannedPSU], n: int, least: int = MIN_PSUS) -> int | None:
    """The smallest number of PSUs from n upward (within 400) that can be planned, else all of them; None when
    not even that can be.
    """
    for more in dict.fromkeys([*range(n, min(n + 400, len(psus)) + 1), len(psus)]):
        try:
            StrataPlanner(psus, more, least=least).plan()
        except Impossible:
            continue
        return more
    return None
