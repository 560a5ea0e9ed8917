"""Long simulations in chunks that outlive the process: the same code computes nothing twice.

A chunk is a JSON file in build/proof/<name>/<hash of the code>/ with its seeds and results; whoever deletes
the folder starts anew.
"""

import ast
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHUNK = 10


def seed_of(name: str, number: int) -> bytes:
    """The seed of one simulated thing: SHA-256 of "minyi <name> <number>"."""
    return hashlib.sha256(f"minyi {name} {number}".encode()).digest()


def code_hash(start: str, within: Sequence[str]) -> str:
    """SHA-256 of what a module and all that it imports from these folders and files compute.

    Comments, docstrings and layout do not count.
    """
    found, waiting = set(), [ROOT / start]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [p for p in _imported(path) if str(p.relative_to(ROOT)).startswith(tuple(within))]
    hashed = hashlib.sha256()
    for path in sorted(found):
        hashed.update(f"{path.relative_to(ROOT)}\n{_meaning(path)}\n".encode())
    return hashed.hexdigest()


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


def _meaning(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
    return ast.dump(tree)


def chunks_of(
    name: str, simulate: Callable[[int], dict[str, Any]], count: int, hashed: str
) -> Iterator[dict[str, Any]]:
    """Results of simulate(0) … simulate(count − 1) in order, on `MINYI_PROOF_PROCESSES` or all cores."""
    folder = ROOT / "build" / "proof" / name / hashed[:16]
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, count, CHUNK)
    missing = [start for start in starts if _read(folder, name, start, count) is None]
    print(f"{count} simulations in chunks of {CHUNK}: {len(missing)} chunks to compute", flush=True)
    processes = int(os.environ.get("MINYI_PROOF_PROCESSES", os.cpu_count() or 1))
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for start in pool.map(
            _compute, *zip(*((folder, name, simulate, start, count) for start in missing), strict=True)
        ):
            print(f"{start + CHUNK}", flush=True)
    for start in starts:
        yield from _read(folder, name, start, count) or []


def _numbers(start: int, count: int) -> range:
    return range(start, min(start + CHUNK, count))


def _compute(
    folder: Path, name: str, simulate: Callable[[int], dict[str, Any]], start: int, count: int
) -> int:
    numbers = _numbers(start, count)
    chunk = {
        "seeds": [seed_of(name, number).hex() for number in numbers],
        "results": [simulate(number) for number in numbers],
    }
    written = folder / f"{start:06}.part"
    written.write_text(json.dumps(chunk), encoding="utf-8")
    written.replace(folder / f"{start:06}.json")
    return start


def _read(folder: Path, name: str, start: int, count: int) -> list[dict[str, Any]] | None:
    """A chunk's results; None where it is missing or holds other seeds."""
    path = folder / f"{start:06}.json"
    if not path.exists():
        return None
    chunk = json.loads(path.read_text(encoding="utf-8"))
    if chunk["seeds"] != [seed_of(name, number).hex() for number in _numbers(start, count)]:
        return None
    results: list[dict[str, Any]] = chunk["results"]
    return results
