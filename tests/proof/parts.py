"""Parts of a long proof, several at once. Each is written down when done; a broken run goes on from there.

A part counts for the code and the arguments that it ran with: its file lies under a hash of both, so another
code begins anew. A part that failed is written down too and stays: what mends it changes the code.
"""

import hashlib
import json
import multiprocessing
import os
import subprocess
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import django

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "proof"
AT_ONCE = int(os.environ.get("MINYI_PROOF_AT_ONCE", "4"))


class Part(NamedTuple):
    """`deed(**arguments)` returns what is written down; it runs in a process of its own."""

    name: str
    deed: Callable[..., dict[str, Any]]
    arguments: dict[str, Any]


def commit() -> str:
    """The commit that was proven, marked when its files differ from it."""
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "--short=12", "HEAD") + (" with uncommitted changes" if changed else "")


def code_hash(paths: Sequence[str]) -> str:
    """The code under these paths as it lies there now, 12 hex digits."""
    hashed = hashlib.sha256()
    for name in sorted(_git("ls-files", "--", *paths).splitlines()):
        file = ROOT / name
        hashed.update(name.encode() + b"\0" + (file.read_bytes() if file.is_file() else b""))
    return hashed.hexdigest()[:12]


def run_parts(proof: str, parts: Sequence[Part], *, code: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Every part's record by name: {"arguments", "commit", "at", "took_s"} and "result" or "failure".

    Parameters
    ----------
    code : paths of the code that the parts run; parts that ran the same code before are not run again.
    """
    folder = KEPT / proof / code_hash(code)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [part for part in parts if not _file(folder, part).exists()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn, initializer=django.setup) as pool:
        waiting = {pool.submit(_do, part): part for part in missing}
        for done in as_completed(waiting):
            record = done.result()
            file = _file(folder, waiting[done])
            file.with_suffix(".part").write_text(json.dumps(record, indent=1), encoding="utf-8")
            file.with_suffix(".part").rename(file)
            told = record.get("result") or record["failure"].splitlines()[-1]
            print(f"{file.stem}: {told}, {record['took_s']} s", flush=True)
    return {part.name: json.loads(_file(folder, part).read_text(encoding="utf-8")) for part in parts}


def _file(folder: Path, part: Part) -> Path:
    arguments = json.dumps(part.arguments, sort_keys=True)
    return folder / f"{part.name}-{hashlib.sha256(arguments.encode()).hexdigest()[:8]}.json"


def _do(part: Part) -> dict[str, Any]:
    started = time.monotonic()
    record: dict[str, Any] = {"arguments": part.arguments, "commit": commit()}
    record["at"] = time.strftime("%Y-%m-%d %H:%M")
    try:
        record["result"] = part.deed(**part.arguments)
    except Exception:
        record["failure"] = traceback.format_exc()
    return {**record, "took_s": round(time.monotonic() - started)}


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
