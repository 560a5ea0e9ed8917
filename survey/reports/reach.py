"""What of a document a reader may take away: figures of all places, everything in detail of his own only.

Units that are ranked together publish their figures to each other. How people answered item by item, what
changed, targets, rounds before, modes and model-based figures are read by those whose place it is. Pure.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

IsOpen = Callable[[str], bool]
LEVELS = (2, 4, 6, 9)  # digits of a province, city, district and street in a code of twelve


def cut_to(document: Mapping[str, Any], granted: Collection[str]) -> dict[str, Any]:
    """The document with the details of these subtrees alone.

    granted : paths, i.e. codes without their zeros. Keys that are no region (the whole, groups of people) are
        everybody's. What first and themes also stay for what a granted place belongs to: its page shows them.
    """

    def mine(key: str) -> bool:
        return not key.isdigit() or key.startswith(tuple(granted))

    def near(key: str) -> bool:
        return mine(key) or key in above

    above = {path[:n].ljust(12, "0") for path in granted for n in LEVELS if n < len(path)}
    cuts: dict[str, Callable[[Any], Any]] = {
        "distributions": lambda found: {item: _domains(part, mine) for item, part in found.items()},
        "small_areas": lambda found: {code: _areas(part, mine) for code, part in found.items()},
        "targets": lambda found: {code: _keys(rows, mine) for code, rows in found.items()},
        "trend": lambda found: {
            code: [_domains(point, mine) for point in points] for code, points in found.items()
        },
        "change": lambda found: _change(found, mine),
        "claims": lambda found: _claims(found, mine),
        "modes": lambda found: found | {"mix": _keys(found.get("mix") or {}, mine)},
        "drivers": lambda found: _domains(found, near),
        "themes": lambda found: {item: _themes(part, near) for item, part in found.items()},
    }
    return {name: cuts[name](part) if name in cuts and part else part for name, part in document.items()}


def _keys(rows: Mapping[str, Any], is_open: IsOpen) -> dict[str, Any]:
    return {key: row for key, row in rows.items() if is_open(key)}


def _domains(part: Mapping[str, Any], is_open: IsOpen) -> dict[str, Any]:
    return {**part, "domains": _keys(part["domains"], is_open)}


def _areas(part: Mapping[str, Any], is_open: IsOpen) -> dict[str, Any]:
    return {
        **part,
        "street": _keys(part.get("street", {}), is_open),
        "community": _keys(part.get("community", {}), is_open),
    }


def _change(found: Mapping[str, Any], is_open: IsOpen) -> dict[str, Any]:
    return {
        **found,
        "indicators": {
            code: {
                **part,
                "domains": _keys(part.get("domains", {}), is_open),
                "same_mode": {mode: _keys(rows, is_open) for mode, rows in part.get("same_mode", {}).items()},
            }
            for code, part in found["indicators"].items()
        },
    }


def _claims(found: Mapping[str, Any], is_open: IsOpen) -> dict[str, Any]:
    """Who stands out from the whole is part of the ranking; change and target are a place's own."""
    kept = [row for row in found["list"] if row["kind"] == "against_all" or is_open(row["domain"])]
    return {**found, "list": kept}


def _themes(part: Mapping[str, Any], is_open: IsOpen) -> dict[str, Any]:
    return {**part, "themes": [_domains(theme, is_open) for theme in part["themes"]]}
