"""Which cells are too thin to print, and which must go with them. Pure.

A cell below the floor is suppressed. If it is the only one among its siblings, the parent's figure minus
the others would give it away, so the thinnest of the others goes too.
"""

from collections.abc import Mapping, Sequence

SMALL, COMPLEMENT = "small", "complement"


def suppress(n: Mapping[str, int], families: Sequence[Sequence[str]], floor: int) -> dict[str, str]:
    """{cell: "small" or "complement"} of the cells that must not be printed.

    Parameters
    ----------
    n : answers behind each cell
    families : groups of siblings that together make up a printed parent; a cell may be in none
    floor : the smallest printable base
    """
    hidden = {cell: SMALL for cell, count in n.items() if count < floor}
    for family in families:
        members = [cell for cell in family if cell in n]
        gone = [cell for cell in members if cell in hidden]
        shown = [cell for cell in members if cell not in hidden]
        # An empty sibling protects nothing: the difference would still be one cell's own figure.
        if len([cell for cell in gone if n[cell] > 0]) == 1 and shown:
            hidden[min(shown, key=lambda cell: (n[cell], cell))] = COMPLEMENT
    return hidden
