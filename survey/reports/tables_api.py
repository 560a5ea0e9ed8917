"""What of a document may be served to whoever may read the report: a fixed list of tables. No database."""

from collections.abc import Mapping
from typing import Any

# Sections that a report publishes as they are. Everything else stays with the team.
PUBLIC = (
    "format",
    "study",
    "round",
    "simulated",
    "floor",
    "domains",
    "communities",
    "communities_withheld",
    "indicators",
    "items",
    "estimates",
    "comparisons",
    "targets",
    "ranks",
    "claims",
    "change",
    "trend",
    "drivers",
    "small_areas",
    "modes",
    "themes",
    "distributions",
    "errors",
    "notices",
    "truth",
    "volunteers",
)
# Of the weights, what holds no count of a small class.
WEIGHTS = ("spec", "margins", "steps", "sum")
RESPONSE = ("cases", "responses", "volunteers", "modes", "first_on", "last_on", "outcomes", "e", "rates")


def public_tables(document: Mapping[str, Any]) -> dict[str, Any]:
    """The published part of a document; sections that an older one lacks are left out."""
    found = {name: document[name] for name in PUBLIC if name in document}
    found["weights"] = {k: v for k, v in document["weights"].items() if k in WEIGHTS}
    found["response"] = {k: v for k, v in document["response"].items() if k in RESPONSE}
    found["design"] = document["design"]
    return found
