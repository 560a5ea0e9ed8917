"""The operator's check of a frame: which household is not the one that was imported.

Two things are compared. Each line is opened: its commitment is made again from the decrypted address and the
stored salt. Each community's tree is grown again and compared with the root recorded at the import. Whoever
changes an address, a kind or a community alone is found by the first, household by household; whoever also
forges salt and commitment is found by the second, and by name with the public list, where there is one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _

from survey.common.crypto import DecryptionError, decrypt, keyed_hash
from survey.regions.models import Region
from survey.sampling.frame_trees import CommunityRoot, community_lines, community_roots, recorded_roots
from survey.sampling.lines import COLLECTIVE, FAMILY, commit_line, normalise_address
from survey.sampling.models import FrameUnit, FrameVersion

ADDRESS_PURPOSE = "sampling.address"
PUBLIC_HEADER = ("community_code", "opaque_id", "kind", "commitment")
LINES_READ = 2000


class AlteredCommunity(NamedTuple):
    """A community whose households are not those that were imported. `what`: in words."""

    code: str
    name: str
    what: str


class AlteredHousehold(NamedTuple):
    """A household that differs. `position`: its place in the imported list; 0 when it is not stored."""

    position: int
    opaque_id: str
    community_code: str
    community_name: str
    what: str


def altered_communities(
    frame: FrameVersion, roots: Iterable[CommunityRoot] | None = None
) -> Iterator[AlteredCommunity]:
    """Communities whose stored households do not give the root recorded at the import.

    Empty for frames of the first release, which have no roots: only their whole hash can be compared.

    Parameters
    ----------
    roots : those of the households stored now, when the caller has computed them already.
    """
    recorded = {root.code: root for root in recorded_roots(frame)}
    if not recorded:
        return
    for now in community_roots(frame) if roots is None else roots:
        then = recorded.pop(now.code, None)
        if then is None:
            yield AlteredCommunity(now.code, now.name, _("名录里本来没有这个社区的住户"))
        elif (words := _community_words(then, now)) is not None:
            yield AlteredCommunity(now.code, now.name, words)
    for gone in recorded.values():
        yield AlteredCommunity(gone.code, gone.name, _("住户全都不在了"))


def _community_words(then: CommunityRoot, now: CommunityRoot) -> str | None:
    if (then.n_family, then.n_collective) != (now.n_family, now.n_collective):
        return _("导入时有 {then} 户，现在有 {now} 户").format(then=_count_words(then), now=_count_words(now))
    return _("有住户的编号、户别或承诺值和导入时不一样") if then.root != now.root else None


def _count_words(root: CommunityRoot) -> str:
    if not root.n_collective:
        return str(root.n_family)
    return _("{family}（另有集体户 {collective}）").format(family=root.n_family, collective=root.n_collective)


def altered_households(
    frame: FrameVersion, tell: Callable[[int, int], None] | None = None
) -> Iterator[AlteredHousehold]:
    """Households whose line does not open with what is stored about them, by community and place.

    Parameters
    ----------
    tell : called before each community with how many are done, and of how many.
    """
    places, present = _places(frame), _present(frame)
    for done, community_id in enumerate(present):
        if tell:
            tell(done, len(present))
        code, name = places[community_id]
        units = FrameUnit.objects.filter(frame=frame, community=community_id).order_by("position")
        for unit in units.iterator(chunk_size=LINES_READ):
            words = _household_words(unit, code, places.values())
            if words is not None:
                yield AlteredHousehold(unit.position, str(unit.opaque_id), code, name, words)


def _present(frame: FrameVersion) -> list[int]:
    """Communities with households, by code."""
    present = frame.units.order_by().values_list("community", flat=True).distinct()
    return list(Region.objects.filter(pk__in=present).order_by("code").values_list("pk", flat=True))


def _places(frame: FrameVersion) -> dict[int, tuple[str, str]]:
    """Community → code and name, of the frame's region and of wherever a household was moved to."""
    present = frame.units.order_by().values_list("community", flat=True).distinct()
    inside = Q(path__startswith=frame.region.path, level=Region.Level.COMMUNITY)
    rows = Region.objects.filter(inside | Q(pk__in=present)).values_list("pk", "code", "name")
    return {pk: (code, name) for pk, code, name in rows}


def _household_words(unit: FrameUnit, code: str, places: Iterable[tuple[str, str]]) -> str | None:
    """What is wrong with one household's line, found by trying what would make it right; None if nothing."""
    try:
        address = normalise_address(decrypt(unit.address_cipher, ADDRESS_PURPOSE))
    except DecryptionError:
        return _("地址的密文被改过，或密钥不对，解不开")
    kind, other_kind = (COLLECTIVE, FAMILY) if unit.is_collective else (FAMILY, COLLECTIVE)
    same_address = keyed_hash(address, ADDRESS_PURPOSE) == unit.address_hash
    if _opens(unit, code, kind, address):
        return None if same_address else _("查重用的地址指纹和地址对不上")
    if _opens(unit, code, other_kind, address):
        return _("户别被改过")
    for other, name in places:
        if _opens(unit, other, kind, address):
            return _("原来在{community}（{code}）").format(community=name, code=other)
    return _("编号、盐或承诺值被改过") if same_address else _("地址被改过")


def _opens(unit: FrameUnit, community_code: str, kind: str, address: str) -> bool:
    made = commit_line(
        salt=bytes(unit.salt),
        opaque_id=str(unit.opaque_id),
        community_code=community_code,
        kind=kind,
        address=address,
    )
    return made == unit.commitment


def differing_lines(frame: FrameVersion, public: Iterable[Mapping[str, str]]) -> Iterator[AlteredHousehold]:
    """Where the households stored now differ from a public list of the frame.

    Parameters
    ----------
    public : rows with the keys of PUBLIC_HEADER, one community after another, as the list is published.
    """
    places = {code: (pk, name) for pk, (code, name) in _places(frame).items()}
    unseen = dict.fromkeys(_present(frame))
    for code, rows in groupby(public, key=lambda row: row["community_code"]):
        community_id, name = places.get(code, (None, ""))
        unseen.pop(community_id, None)
        yield from _differences_of_community(frame, community_id, code, name, rows)
    for code, (community_id, name) in sorted(places.items()):
        if community_id in unseen:
            yield from _differences_of_community(frame, community_id, code, name, [])


def _differences_of_community(
    frame: FrameVersion,
    community_id: int | None,
    code: str,
    name: str,
    public: Iterable[Mapping[str, str]],
) -> Iterator[AlteredHousehold]:
    published = {row["opaque_id"]: (row["kind"], row["commitment"]) for row in public}
    rows = frame.units.filter(community=community_id).order_by().values_list("opaque_id", "position")
    positions = {str(opaque_id): position for opaque_id, position in rows}
    for line in community_lines(frame, community_id) if community_id else ():
        expected = published.pop(line.opaque_id, None)
        if expected is None:
            words = _("公开名单里没有这一户")
        elif expected[0] != line.kind:
            words = _("户别和公开名单不一样")
        elif expected[1] != line.commitment:
            words = _("承诺值和公开名单不一样：地址或盐被换过")
        else:
            continue
        yield AlteredHousehold(positions[line.opaque_id], line.opaque_id, code, name, words)
    for opaque_id in published:
        yield AlteredHousehold(0, opaque_id, code, name, _("公开名单里有，现在的名录里没有"))
