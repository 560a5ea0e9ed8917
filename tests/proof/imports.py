"""Which files of the project a module runs: those that it imports, and those that these import."""

import ast
from collections.abc import Sequence
from pathlib import Path

from tests.proof.parts import ROOT


def imported_by(start: str, within: Sequence[str]) -> list[str]:
    """The module and all that it imports from these folders and files, as paths from the project's root."""
    found, waiting = set(), [ROOT / start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [p for p in _imported(path) if str(p.relative_to(ROOT)).startswith(tuple(within))]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def _imported(path: Path) -> list[Path]:
    """Files of the project that a module names in its imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    places = [ROOT / name.replace(".", "/") for name in names]
    files = [p.with_suffix(".py") for p in places] + [p / "__init__.py" for p in places]
    return [p for p in files if p.is_file()]
