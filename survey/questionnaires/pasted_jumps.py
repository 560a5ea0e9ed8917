"""Jumps of a pasted text as conditions of the items that they pass over. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from survey.questionnaires.document import Item, expression


def also(item: Item, condition: str) -> None:
    """Adds a condition to what an item already waits for."""
    held = item.get("relevant", {}).get("text")
    item["relevant"] = expression(f"({held}) and ({condition})" if held else condition)


def skip_between(
    order: Sequence[tuple[str, Item]], source: str, choice: Mapping[str, Any], target: str
) -> bool:
    """Gives the items between a question and a jump's target the condition that the answer was another.

    Parameters
    ----------
    order : (question, item) as they are asked.
    source : the question with the jump, `choice` the option that jumps.
    target : number of the question that is next, "" for the end.

    Returns
    -------
    False when the target does not come after the question. A question that was refused has no items: True.
    """
    owners = [owner for owner, _item in order]
    goal = f"Q{target.lstrip('0') or '0'}" if target else ""
    if source not in owners:
        return True
    last = max(place for place, owner in enumerate(owners) if owner == source)
    end = owners.index(goal) if goal in owners else len(owners) if not target else -1
    if end <= last:
        return False
    for _owner, item in order[last + 1 : end]:
        also(item, f"not(selected(${{{source}}}, '{choice['code']}'))")
    return True
