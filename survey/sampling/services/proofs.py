"""A household's own proof: that its line was in the frame before the draw, and is the one committed to."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from survey.common.crypto import same
from survey.common.errors import Problem
from survey.sampling.frame_trees import CommunityRoot, community_lines, recorded_roots
from survey.sampling.lines import COLLECTIVE, FAMILY, commit_line, normalise_address
from survey.sampling.models import Draw, FrameUnit, FrameVersion
from survey.sampling.proof_code import LENGTH, CodeError, read_proof
from survey.sampling.proof_code import proof_lines as code_lines
from survey.sampling.tree import ALGORITHM, Step, leaf_hash, proven_root, tree_proof

OK, UNKNOWN, OTHER_ADDRESS, ALTERED = "ok", "unknown", "other_address", "altered"


@dataclass(frozen=True)
class TreePath:
    """What leads from a household's line to the frame's hash; anyone can follow it with SHA-256."""

    line: str  # opaque id, community, kind and commitment, with tabs between
    community: CommunityRoot
    steps: tuple[Step, ...]  # from the household's leaf to the community's root
    community_steps: tuple[Step, ...]  # from the community's leaf to the frame's hash


@dataclass(frozen=True)
class HouseholdLine:
    """What a household's code and address show.

    `kind`: "ok"; "unknown", no frame has that line; "other_address", the line commits to another address (or
    to another spelling); "altered", the line opens but is not under the hash that was recorded. `words` say
    so. `draws`: those that committed to this frame, the earliest first.
    """

    kind: str
    words: tuple[str, ...]
    frame: FrameVersion | None = None
    path: TreePath | None = None
    draws: tuple[Draw, ...] = ()

    @property
    def ok(self) -> bool:
        return self.kind == OK


def household_proof(*, frame_unit: FrameUnit) -> tuple[str, str] | None:
    """The code that a household's letter carries, in two lines; None for frames of the first release, whose
    lines are in no tree.
    """
    if frame_unit.frame.hash_algorithm != ALGORITHM:
        return None
    return code_lines(salt=bytes(frame_unit.salt), opaque_id=frame_unit.opaque_id)


def check_household_line(*, code: str, address: str) -> HouseholdLine:
    """Look a line up by the code of a letter and follow it to the frame's hash.

    The address that was typed is hashed with the salt of the code, never compared with a stored address and
    never kept. Only who holds the letter has the salt, so nobody can try addresses here.

    Raises
    ------
    Problem common.invalid : the code has a slip, or there is no address; says what to look at again.
    """
    try:
        proof = read_proof(code)
    except CodeError as error:
        raise Problem("common.invalid", reason=_code_words(error)) from None
    typed = normalise_address(address)
    if not typed:
        raise Problem("common.invalid", reason=_("请输入信上印的地址"))
    unit = _find(proof.opaque_id.hex)
    if unit is None or not same(bytes(unit.salt).hex(), proof.salt.hex()):
        return HouseholdLine(
            UNKNOWN, (_("名录里没有这个凭证的住户。请再看一遍码；还是不对，请拨信上的电话。"),)
        )
    made = commit_line(
        salt=proof.salt,
        opaque_id=str(unit.opaque_id),
        community_code=unit.community.code,
        kind=COLLECTIVE if unit.is_collective else FAMILY,
        address=typed,
    )
    if made != unit.commitment:
        words = _(
            "凭证找到了，可是和这个地址对不上。请照信上印的地址一字不差地再输一遍；还是不对，请拨信上的电话。"
        )
        return HouseholdLine(OTHER_ADDRESS, (words,), unit.frame)
    return _follow(unit)


def _code_words(error: CodeError) -> str:
    if error.kind == "line":
        return _("凭证的第 {line} 行有一个字符不对，请再看一遍").format(line=error.line)
    if error.kind == "length":
        return _("凭证一共 {n} 个字母和数字，请两行都输").format(n=LENGTH)
    return _("凭证里只有数字和字母，请再看一遍")


def _find(opaque_id: str) -> FrameUnit | None:
    # Frame by frame: the index on opaque ids begins with the frame.
    frames = list(FrameVersion.objects.ready().filter(hash_algorithm=ALGORITHM).values_list("pk", flat=True))
    units = FrameUnit.objects.filter(frame__in=frames, opaque_id=opaque_id)
    return units.select_related("frame", "community").first()


def _follow(unit: FrameUnit) -> HouseholdLine:
    path = tree_path(unit)
    frame = unit.frame
    if path is None or _end(path) != frame.frame_hash:
        words = _("您家这一行和名录公布的指纹对不上：名录可能被改过。请拨信上的电话，要求核查。")
        return HouseholdLine(ALTERED, (words,), frame, path)
    draws = Draw.objects.filter(design__frame=frame, commitment__frame_hash=frame.frame_hash)
    words = [
        _("您家在第 {number} 版名录里，地址和导入时一样，没有被换过。").format(number=frame.number),
        _("从您家这一行，经过{community}的 {n} 户，一步步算得出名录的指纹 {hash}…。").format(
            community=path.community.name,
            n=path.community.n_family + path.community.n_collective,
            hash=frame.frame_hash[:12],
        ),
    ]
    return HouseholdLine(OK, tuple(words), frame, path, tuple(draws.order_by("committed_at")))


def tree_path(unit: FrameUnit) -> TreePath | None:
    """From a household's stored line to the frame; None when its community was not recorded."""
    recorded = recorded_roots(unit.frame)
    places = {root.community_id: place for place, root in enumerate(recorded)}
    if unit.community_id not in places:
        return None
    place = places[unit.community_id]
    lines = list(community_lines(unit.frame, unit.community_id))
    own = next(i for i, line in enumerate(lines) if line.opaque_id == str(unit.opaque_id))
    code = recorded[place].code
    return TreePath(
        line="\t".join((lines[own].opaque_id, code, lines[own].kind, lines[own].commitment)),
        community=recorded[place],
        steps=tuple(tree_proof([line.leaf(code) for line in lines], own)),
        community_steps=tuple(tree_proof([root.leaf for root in recorded], place)),
    )


def _end(path: TreePath) -> str:
    """The frame's hash that a path leads to; empty when it does not pass the community's recorded root."""
    reached = proven_root(leaf_hash(path.line.encode()), path.steps)
    if reached.hex() != path.community.root:
        return ""
    return proven_root(path.community.leaf, path.community_steps).hex()
