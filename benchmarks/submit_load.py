"""Handing in under load, beside a bare Django view that writes one row: rate, latency, and nothing lost.

    python -m benchmarks.submit_load [--seconds 10] [--phones 4500]

PostgreSQL, two server processes, `wrk` as the load (Debian: wrk), 16 connections. Each phone saves its
blocks, hands in, and often sends things again or out of order, as phones on bad networks do; a saved block
counts as a request. The bare view has no middleware and gets bodies of the same sizes. Both run three times,
in turn; their means are compared. Afterwards every phone hands in once more, and each household must have
exactly one response with exactly what its phone sent.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

from benchmarks.load import (
    CONNECTIONS,
    WORKERS,
    environment_for,
    line,
    load,
    mean,
    print_table,
    require_wrk,
    run_module,
    served,
)
from benchmarks.throwaway_postgres import postgres

SEED = 20261123
BLOCK_SAVES = 6
TURNS = 3
TARGET_RATE, TARGET_P99 = 0.3, 4.0
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


def main() -> None:
    """Run both in turn, compare, check what was stored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--phones", type=int, default=4500)
    options = parser.parse_args()
    require_wrk()
    with postgres("minyi", "bare") as port, tempfile.TemporaryDirectory() as folder:
        run(options, port, Path(folder))


def run(options: argparse.Namespace, pg_port: int, folder: Path) -> None:
    """Seed, load, compare, check. SystemExit 1 when a target is missed or an answer lost."""
    environment = environment_for(folder, pg_port)
    run_module("benchmarks.bare_site", environment=environment)
    phones = folder / "phones.json"
    run_module("benchmarks.submit_load_seed", str(options.phones), str(phones), environment=environment)
    plan = json.loads(phones.read_text())
    requests, sends = write_requests(plan, folder)
    ours, bare = [], []
    for turn in range(TURNS):
        with served("benchmarks.bare_site", environment, folder) as address:
            bare.append(load(address, folder / "bare.txt", options.seconds, folder, endless=True))
        part = folder / f"part{turn}.txt"
        share = len(requests) // TURNS
        part.write_text("\n".join(requests[turn * share : (turn + 1) * share]) + "\n")
        with served("survey.wsgi", environment, folder) as address:
            ours.append(load(address, part, options.seconds, folder))
        if ours[-1]["n"] >= share:
            raise SystemExit("the phones had nothing left to send before the time was over: raise --phones")
    print(f"{len(plan)} phones, {sends} submissions, seed {SEED}")
    print(f"{CONNECTIONS} connections, {WORKERS} processes")
    print_table({"bare": bare, "Minyi": ours})
    stored = run_module("benchmarks.submit_load_seed", "check", str(phones), environment=environment)
    report(ours, bare, len(plan), json.loads(stored.splitlines()[-1]))


def write_requests(plan: list[dict], folder: Path) -> tuple[list[str], int]:
    """Lines for wrk: each phone's saves and its submission, some twice, some out of order; and bare ones."""
    random_ = random.Random(SEED)
    timeline: list[tuple[float, str]] = []
    sends = 0
    for number, phone in enumerate(plan):
        start = number * 1.0
        for sequence, body in enumerate(phone["drafts"], start=1):
            late = random_.random() * 4 if random_.random() < 0.1 else 0  # overtaken on the way
            timeline.append((start + sequence + late, phone_line("PUT", phone, "draft", body)))
        at = start + BLOCK_SAVES + 1
        for extra in range(1 + (random_.random() < 0.25)):
            timeline.append((at + 3 * extra, phone_line("POST", phone, "submit", phone["submit"])))
            sends += 1
    timeline.sort(key=lambda each: each[0])
    lines = [text for _at, text in timeline]
    likewise = HEADERS | {"Cookie": "a=1", "X-CSRFToken": "x"}
    bare = [line("POST", "/write", likewise, text.split("\t", 3)[3]) for text in lines[:4000]]
    (folder / "bare.txt").write_text("\n".join(bare) + "\n")
    return lines, sends


def phone_line(method: str, phone: dict, what: str, body: str) -> str:
    """One request of a phone."""
    own = {"Cookie": f"minyi_device={phone['secret']}", "X-CSRFToken": phone["token"]}
    return line(method, f"/r/{phone['key']}/{what}", HEADERS | own, body)


def report(ours: list[dict], bare: list[dict], phones: int, stored: dict) -> None:
    """Print the ratios; exit 1 when a target is missed."""
    rate = mean(ours, "requests/s") / mean(bare, "requests/s")
    p99 = mean(ours, "p99") / mean(bare, "p99")
    print(
        f"rate {rate:.2f} of bare (at least {TARGET_RATE}), p99 {p99:.2f} times bare (at most {TARGET_P99})"
    )
    print(f"in after the load: {stored['after_load']}; after everybody sent once more: {stored['responses']}")
    print(
        f"doubled: {stored['doubled']}; with other answers than sent: {stored['other']}; "
        f"audit chain: {stored['chain']}"
    )
    is_whole = stored["responses"] == phones and stored["chain"] == "whole"
    is_clean = not (stored["doubled"] or stored["other"] or sum(e["broken"] + e["failed"] for e in ours))
    if rate < TARGET_RATE or p99 > TARGET_P99 or not is_whole or not is_clean:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
