"""Every text of a document with its place, for translation side by side. Pure."""

from dataclasses import dataclass
from functools import lru_cache

from opencc import OpenCC

from survey.questionnaires.document import Document, block_items

ITEM_TEXTS = ("label", "hint", "constraint_message", "required_message")


@dataclass(frozen=True)
class Place:
    """One text. `texts` is the document's own dictionary by language; `about` names the item, block or list.

    `key` is stable while names and codes are: "item:Q01:label", "choice:satisfied:5", "end:H02:low".
    """

    key: str
    kind: str
    about: str
    texts: dict[str, str]


def places(document: Document) -> list[Place]:
    """All places that hold a text, in the order of the document; choice lists last."""
    found = [Place("document:title", "title", "", document["title"])]
    for block in document["blocks"]:
        name = block["name"]
        if block.get("title") is not None:
            found.append(Place(f"block:{name}:title", "block", name, block["title"]))
        if "repeat" in block:
            found.append(Place(f"repeat:{name}", "repeat", name, block["repeat"]["label"]))
        for item in block_items(block):
            found += _item_places(item)
    for name, stem in document.get("matrices", {}).items():
        found += [Place(f"matrix:{name}:{part}", "matrix", name, stem[part])
                  for part in ("label", "hint") if part in stem]  # fmt: skip
    for quota in document.get("quotas", []):
        found.append(Place(f"quota:{quota['name']}:label", "quota", quota["name"], quota["label"]))
        if "full_text" in quota:
            found.append(Place(f"quota:{quota['name']}:full", "quota", quota["name"], quota["full_text"]))
    for name, choices in document["choice_lists"].items():
        found += [
            Place(f"choice:{name}:{choice['code']}", "choice", name, choice["label"]) for choice in choices
        ]
    return found


def _item_places(item: dict) -> list[Place]:
    name = item["name"]
    found = [Place(f"item:{name}:{part}", part, name, item[part]) for part in ITEM_TEXTS if part in item]
    return found + [
        Place(f"end:{name}:{end}", "end", name, texts) for end, texts in item.get("ends", {}).items()
    ]


def progress(document: Document) -> dict[str, tuple[int, int]]:
    """Language → (texts that are there, texts that are needed: those the default language has)."""
    first = document["default_language"]
    needed = [place.texts for place in places(document) if place.texts.get(first)]
    return {
        language: (sum(1 for texts in needed if texts.get(language)), len(needed))
        for language in document["languages"]
    }


def stale(old: Document, new: Document) -> dict[str, list[str]]:
    """What a text is about → languages that still have the old text although the first one changed."""
    first = new["default_language"]
    before = {place.key: place.texts for place in places(old)}
    found: dict[str, list[str]] = {}
    for place in places(new):
        texts = before.get(place.key, {})
        if not texts.get(first) or texts.get(first) == place.texts.get(first):
            continue
        for language in new["languages"]:
            kept = place.texts.get(language)
            if language != first and kept and kept == texts.get(language):
                languages = found.setdefault(place.about, [])
                languages += [language] if language not in languages else []
    return found


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("s2t")


def traditional(text: str) -> str:
    """A proposal in Traditional characters; only a person knows whether it is right (发 → 發 or 髮)."""
    return _converter().convert(text)
