"""What changed between two versions, and whether answers to them can still be compared over rounds. Pure."""

import difflib
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.document import (
    MODES,
    Document,
    Item,
    block_items,
    item_index,
    items_of,
    missing_choices,
    substantive_choices,
)

# What each kind of change means for a comparison with earlier rounds: "broken" (the trend line breaks there),
# "look" (comparable only if the author says why), "same" (nothing that a respondent meets has changed).
MEANING = {
    "added": "new",
    "removed": "gone",
    "type": "broken",
    "label": "broken",
    "codes": "broken",
    "options": "broken",
    "scale": "broken",
    "hint": "look",
    "stem": "broken",
    "missing": "look",
    "relevant": "look",
    "filter": "look",
    "calculation": "broken",
    "scoring": "look",
    "modes": "look",
    "moved": "look",
    "order": "look",
    "default": "look",
    "limits": "look",
    "required": "look",
    "renamed": "same",
    "translation": "same",
    "other": "same",
}
WORST = ("broken", "look", "same")
Segment = tuple[str, str]  # "same", "out" or "in"; the text


@dataclass(frozen=True)
class Change:
    """One difference. `before` and `after` are texts for a reader; `language` where it is a text."""

    kind: str
    before: str = ""
    after: str = ""
    language: str = ""

    @property
    def meaning(self) -> str:
        """A value of `MEANING`."""
        return MEANING[self.kind]

    @property
    def segments(self) -> list[Segment]:
        """The two texts as pieces that stayed, went or came."""
        return word_diff(self.before, self.after)


@dataclass(frozen=True)
class ItemDiff:
    """One item of either version; `old_name` where it is called something else now."""

    name: str
    changes: tuple[Change, ...]
    label: dict[str, str] = field(default_factory=dict)
    old_name: str = ""

    @property
    def meaning(self) -> str:
        """The gravest of its changes."""
        found = {change.meaning for change in self.changes}
        if found & {"new", "gone"}:
            return next(iter(found & {"new", "gone"}))
        return next((meaning for meaning in WORST if meaning in found), "same")


def compare(old: Document, new: Document) -> list[ItemDiff]:
    """Items that differ, in the order of the new version; removed ones at the end.

    An item is the same by its name; an item that came with the very text and options of one that went is
    that one with another name.
    """
    old_items = {item["name"]: item for item in items_of(old)}
    new_items = {item["name"]: item for item in items_of(new)}
    renamed = _renamed(old, new, old_items, new_items)
    pairs = {name: renamed.get(name, name) for name in new_items if renamed.get(name, name) in old_items}
    moved = _moved([pairs[name] for name in new_items if name in pairs], list(old_items))
    found: list[ItemDiff] = []
    for name, item in new_items.items():
        before = pairs.get(name)
        if before is None:
            changes: list[Change] = [Change("added", after=_plain(new, item))]
        else:
            changes = _changes(old, old_items[before], new, item)
            if before in moved:
                changes.append(
                    Change("moved", *(_position(each, which) for each, which in ((old, before), (new, name))))
                )
            if before != name:
                changes.append(Change("renamed", before, name))
        if changes:
            found.append(
                ItemDiff(name, tuple(changes), item.get("label", {}), before if before != name else "")
            )
    gone = [item for name, item in old_items.items() if name not in pairs.values()]
    return found + [
        ItemDiff(item["name"], (Change("removed", before=_plain(old, item)),), item.get("label", {}))
        for item in gone
    ]


def word_diff(before: str, after: str) -> list[Segment]:
    """Character by character, as Chinese is read."""
    segments: list[Segment] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            segments.append(("same", before[a:b]))
        else:
            segments += [(side, text) for side, text in (("out", before[a:b]), ("in", after[c:d])) if text]
    return segments


def _renamed(
    old: Document, new: Document, old_items: dict[str, Item], new_items: dict[str, Item]
) -> dict[str, str]:
    """New name → old name."""
    gone = {_identity(old, item): name for name, item in old_items.items() if name not in new_items}
    came = [(name, _identity(new, item)) for name, item in new_items.items() if name not in old_items]
    found: dict[str, str] = {}
    for name, identity in came:
        if identity[1] and identity in gone:
            found[name] = gone.pop(identity)
    return found


def _identity(document: Document, item: Item) -> tuple[str, str, str]:
    label = item.get("label", {})
    return item["type"], label.get(document["default_language"], ""), _options(document, item, codes=True)


def _moved(order: list[str], before: list[str]) -> set[str]:
    """The fewest items whose moving explains the new order: those outside a longest increasing run."""
    places = {name: place for place, name in enumerate(before)}
    tails: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for at, name in enumerate(order):
        length = bisect_left(tails, places[name])
        if length == len(tails):
            tails.append(places[name])
            last.append(at)
        else:
            tails[length] = places[name]
            last[length] = at
        previous.append(last[length - 1] if length else -1)
    kept: set[str] = set()
    at = last[-1] if last else -1
    while at >= 0:
        kept.add(order[at])
        at = previous[at]
    return set(order) - kept


def _position(document: Document, name: str) -> str:
    place = [item["name"] for item in items_of(document)].index(name)
    return str(place + 1)


def _changes(old: Document, before: Item, new: Document, after: Item) -> list[Change]:
    found: list[Change] = []
    if before["type"] != after["type"]:
        found.append(Change("type", before["type"], after["type"]))
    for part in ("label", "hint"):
        found += _texts(part, before.get(part, {}), after.get(part, {}))
    found += _texts("stem", _stem(old, before), _stem(new, after))
    found += _choices(old, before, new, after)
    facts = (
        ("scale", _scale(before), _scale(after)),
        ("missing", _missing(old, before), _missing(new, after)),
        ("modes", _modes(before), _modes(after)),
        ("relevant", _relevant(old, before), _relevant(new, after)),
    )
    found += [Change(kind, a, b) for kind, a, b in facts if a != b]
    for kind, parts in SIMPLE.items():
        a, b = (" ".join(_shown(item.get(part)) for part in parts).strip() for item in (before, after))
        if a != b:
            found.append(Change(kind, a, b))
    return found


SIMPLE = {
    "calculation": ("calculation",),
    "filter": ("filter",),
    "scoring": ("scoring",),
    "order": ("order",),
    "default": ("default", "readonly"),
    "limits": ("constraint", "min_choices", "max_choices", "max_length"),
    "required": ("required",),
    "other": ("seconds", "topic", "index", "with", "required_message", "constraint_message"),
}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return value["text"] if "text" in value else " ".join(f"{k}={_shown(v)}" for k, v in value.items())
    return "" if value is None else str(value)


def _texts(kind: str, before: dict[str, str], after: dict[str, str]) -> list[Change]:
    """A text that is new in a language is a translation; one that is another is a change of wording."""
    found = []
    for language in dict.fromkeys([*before, *after]):
        a, b = before.get(language, ""), after.get(language, "")
        if a != b:
            translated = not a and any(before.values())
            found.append(Change("translation" if translated else kind, a, b, language))
    return found


def _stem(document: Document, item: Item) -> dict[str, str]:
    return document.get("matrices", {}).get(item.get("matrix", ""), {}).get("label", {})


def _choices(old: Document, before: Item, new: Document, after: Item) -> list[Change]:
    a, b = _options(old, before, codes=True), _options(new, after, codes=True)
    if a == b:
        return _labels(old, before, new, after)
    codes = [[str(c["code"]) for c in substantive_choices(d, i)] for d, i in ((old, before), (new, after))]
    return [Change("codes" if codes[0] != codes[1] else "options", a, b)]


def _labels(old: Document, before: Item, new: Document, after: Item) -> list[Change]:
    """Options in the languages that are not the default one."""
    found: list[Change] = []
    pairs = zip(substantive_choices(old, before), substantive_choices(new, after), strict=True)
    for one, other in pairs:
        found += _texts("options", one["label"], other["label"])
    return found


def _options(document: Document, item: Item, *, codes: bool) -> str:
    language = document["default_language"]
    return " / ".join(
        (f"{choice['code']} " if codes else "") + choice["label"].get(language, "")
        for choice in substantive_choices(document, item)
    )


def _missing(document: Document, item: Item) -> str:
    language = document["default_language"]
    return " / ".join(choice["label"].get(language, "") for choice in missing_choices(document, item))


def _scale(item: Item) -> str:
    ends = item.get("ends", {})
    named = " ".join(next(iter(ends.get(end, {}).values()), "") for end in ("low", "high"))
    return f"{item.get('from', '')}–{item.get('to', '')} {named}".strip(" –")


def _modes(item: Item) -> str:
    return " ".join(item.get("modes", MODES))


def _relevant(document: Document, item: Item) -> str:
    block = item_index(document)[item["name"]][0]
    parts = [thing["relevant"]["text"] for thing in (block, item) if "relevant" in thing]
    return " and ".join(f"({part})" for part in parts) if len(parts) > 1 else "".join(parts)


def _plain(document: Document, item: Item) -> str:
    return item.get("label", {}).get(document["default_language"], "")


def blocks_changed(old: Document, new: Document) -> bool:
    """Whether blocks were added, removed, renamed, moved or repeat differently."""

    def shape(document: Document) -> list[Any]:
        return [
            (block["name"], block.get("title"), block.get("repeat"), block.get("kind"), block.get("order"))
            for block in document["blocks"]
            if "kind" in block or block_items(block)
        ]

    return shape(old) != shape(new)
