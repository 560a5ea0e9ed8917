"""Buttons that only rearrange the form on the page (rows up, down, away, one more): nothing is stored yet.

With scripts the browser does the same by itself; without, the server gives the form back rearranged.
"""

from django.http import QueryDict

from survey.console.editor.reading import keys

REARRANGE = ("row_up", "row_down", "row_drop", "row_more", "cond_drop", "cond_more")


def rearranged(data: QueryDict, do: str) -> QueryDict:
    """The form as sent, with its rows in the new order."""
    deed, _colon, key = do.partition(":")
    made = data.copy()
    name = "cond" if deed.startswith("cond") else "row"
    order = keys(data, name)
    if deed.endswith("drop"):
        order = [each for each in order if each != key]
    elif key in order and deed in ("row_up", "row_down"):
        place = order.index(key)
        other = place + (-1 if deed == "row_up" else 1)
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
    made.setlist(name, order)
    return made
