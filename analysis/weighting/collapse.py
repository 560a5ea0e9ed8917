"""Which adjustment cells to join when they hold too few answers: fixed rules, so that nobody chooses after
seeing the figures.
"""

from collections.abc import Mapping, Sequence

from analysis.errors import AnalysisError


def collapse_ordered(counts: Sequence[int], minimum: int) -> list[tuple[int, ...]]:
    """Join neighbouring cells of an ordered variable until each holds `minimum`.

    The smallest cell goes first (the later one of equals) and joins its smaller neighbour (the earlier one
    of equals). One cell remains if all together hold too few. Returns the groups as tuples of positions.
    """
    if not counts:
        raise AnalysisError("there is no cell to join")
    groups = [((i,), int(n)) for i, n in enumerate(counts)]
    while len(groups) > 1:
        smallest = min(range(len(groups)), key=lambda i: (groups[i][1], -i))
        if groups[smallest][1] >= minimum:
            break
        near = [i for i in (smallest - 1, smallest + 1) if 0 <= i < len(groups)]
        partner = min(near, key=lambda i: (groups[i][1], i))
        first, second = sorted((smallest, partner))
        joined = (groups[first][0] + groups[second][0], groups[first][1] + groups[second][1])
        groups[first : second + 1] = [joined]
    return [members for members, _ in groups]


def collapse_nested(counts: Mapping[tuple[str, ...], int], minimum: int) -> dict[tuple[str, ...], str]:
    """Join thin classes within their parent, and thin parents with each other.

    Parameters
    ----------
    counts : {(…, parent, class): respondents}; all keys have the same length
    minimum : respondents that a class needs

    Returns
    -------
    {key: label of its joined class}. Thin classes of a parent are put together; if they are still too few,
    they join the parent's smallest sufficient class; a parent without any sufficient class becomes one
    class and is treated the same way among its own siblings. The whole may end as one class.
    """
    depth = {len(key) for key in counts}
    if len(depth) != 1 or 0 in depth:
        raise AnalysisError("the classes must all be named at the same levels")
    groups = {key: ([key], n) for key, n in counts.items()}
    for _ in range(depth.pop()):
        groups = _join_level(groups, minimum)
    return {
        key: "+".join("/".join(member) for member in members)
        for members, _ in groups.values()
        for key in members
    }


def _join_level(
    groups: Mapping[tuple[str, ...], tuple[list, int]], minimum: int
) -> dict[tuple[str, ...], tuple[list, int]]:
    """Settle the siblings under each parent; what stays thin climbs one level under the parent's name."""
    by_parent: dict[tuple[str, ...], list] = {}
    for key in sorted(groups):
        by_parent.setdefault(key[:-1], []).append((key, *groups[key]))
    result = {}
    for parent, siblings in by_parent.items():
        enough = [s for s in siblings if s[2] >= minimum]
        thin = [s for s in siblings if s[2] < minimum]
        together = sorted(member for s in thin for member in s[1]), sum(s[2] for s in thin)
        if thin and together[1] < minimum and enough:
            host = min(enough, key=lambda s: (s[2], s[0]))
            enough.remove(host)
            together = sorted([*together[0], *host[1]]), together[1] + host[2]
        settled = [(key, members, n) for key, members, n in enough]
        if thin:
            settled.append((parent, *together))
        for number, (_, members, n) in enumerate(settled):
            # Settled classes keep a name of the parent's length, so that the next level sees them as its own.
            name = (*parent[:-1], f"{parent[-1]}#{number}") if parent else (f"#{number}",)
            result[name] = (members, n)
    return result
