"""Shares out cases to interviewers: grid by grid, loads as even as the grids allow. Pure and repeatable."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """Cases that lie together: those of one grid, or of a community that has none (grid 0)."""

    community: int
    grid: int
    size: int


def share_out(
    blocks: Sequence[Block],
    *,
    able: Mapping[int, Sequence[int]],
    held: Mapping[tuple[int, int], int],
    quota: int | None,
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """{(community, grid): [(interviewer, cases) …]}, the largest block first.

    A block goes whole to one person: somebody already in the community, if his load is not above the mean of
    those who may; else whoever has least. Only a quota splits a block.

    Parameters
    ----------
    able : {community: interviewers who may work there}
    held : {(interviewer, community): cases in his hands already}
    quota : most cases of one interviewer in one community; None: no limit.
    """
    load: dict[int, int] = {}
    for people in able.values():
        load.update(dict.fromkeys(people, 0))
    here: dict[tuple[int, int], int] = dict(held)
    for (who, _community), n in held.items():
        if who in load:
            load[who] += n
    plan: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for block in sorted(blocks, key=lambda b: (-b.size, b.community, b.grid)):
        left, parts = block.size, []
        while left:
            who = _next(block.community, able.get(block.community, ()), load, here, quota)
            if who is None:
                break
            room = left if quota is None else min(left, quota - here.get((who, block.community), 0))
            parts.append((who, room))
            load[who] += room
            here[(who, block.community)] = here.get((who, block.community), 0) + room
            left -= room
        plan[(block.community, block.grid)] = parts
    return plan


def _next(
    community: int,
    people: Sequence[int],
    load: Mapping[int, int],
    here: Mapping[tuple[int, int], int],
    quota: int | None,
) -> int | None:
    free = [who for who in people if quota is None or here.get((who, community), 0) < quota]
    if not free:
        return None
    mean = sum(load[who] for who in people) / len(people)
    known = [who for who in free if here.get((who, community), 0) and load[who] <= mean]
    return min(known or free, key=lambda who: (load[who], who))
