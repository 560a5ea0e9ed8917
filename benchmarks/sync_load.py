"""A day of 500 interviewers at the sync protocol: the morning's pull, the evening's push, nothing lost.

    python -m benchmarks.sync_load [--interviewers 500] [--each 10] [--budget 0]

PostgreSQL, Redis for the counts of throttling, two server processes, 16 connections. In the morning every
phone registers and pulls its doors; in the evening it pushes an interview from each door in one gzipped
batch, sealed before the clock starts. One phone in five never hears the answer and pushes the same again.
Beside it a bare view without middleware writes rows of the same columns, indexes and sizes by one bulk
insert. Both run twice, in turn, with the same client, and neither is timed before it has answered empty
pushes in each of its processes.

`--budget` is MINYI_SYNC_BUDGET_S, the seconds for which a push settles what it has stored. With 0, as
docs/field-sync.md has it for an evening's rush, a push stores, and workers settle; how fast one worker does
is printed, too. Afterwards everything is pushed once more, settled, and compared with what the phones sent.
"""

import argparse
import gzip
import http.client
import itertools
import json
import queue
import random
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.load import CONNECTIONS, WORKERS, environment_for, mean, run_module, served, server_cpu_s
from benchmarks.throwaway_postgres import postgres
from benchmarks.throwaway_redis import redis

SEED = 20261124
TURNS = 2
TARGET_RATE = 0.3
WARM_UP = 60
WITHIN_S = 600  # each of the morning and the evening
PUSHED_AGAIN = 0.2
BARE_S = 4.0  # the bare view is soon through with everything: again and again for so long
Request = tuple[str, bytes, dict[str, str], int]  # path, body, headers, items in it


def main() -> None:
    """Run both in turn, compare, check what was stored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--interviewers", type=int, default=500)
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--budget", type=float, default=0.0)
    options = parser.parse_args()
    with (
        postgres("minyi", "bare") as port,
        redis() as broker,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = environment_for(
            Path(folder), port, MINYI_REDIS_URL=broker.url, MINYI_SYNC_BUDGET_S=str(options.budget)
        )
        run(options, environment, Path(folder))


def run(options: argparse.Namespace, environment: dict[str, str], folder: Path) -> None:
    """Seed, pull, push, compare, check. SystemExit 1 when a target is missed or an interview lost."""
    run_module("benchmarks.bare_site", environment=environment)
    file, seeding = folder / "plan.json", "benchmarks.sync_load_seed"
    numbers = (str(options.interviewers), str(options.each))
    run_module(seeding, "seed", *numbers, str(file), environment=environment)
    with served("survey.wsgi", environment, folder) as address:
        pulled = json.loads(run_module(seeding, "morning", address, str(file), environment=environment))
    print(f"{options.interviewers} interviewers, {options.each} doors each, budget {options.budget:g} s")
    print(f"{CONNECTIONS} connections, {WORKERS} processes, seed {SEED}")
    print(f"morning: {pulled['cases']} doors pulled in {pulled['seconds']:.1f} s (at most {WITHIN_S})")
    plan = json.loads(file.read_text())
    ours, bare = [], []
    for turn in range(TURNS):
        pushes, likewise = write_requests(plan[turn::TURNS])
        with served("benchmarks.bare_site", environment, folder) as address:
            send(address, [without_items(likewise[0])] * WARM_UP, seconds=WITHIN_S)
            bare.append(send(address, itertools.cycle(likewise), seconds=BARE_S))
        with served("survey.wsgi", environment, folder) as address:
            send(address, [without_items(pushes[0])] * WARM_UP, seconds=WITHIN_S)
            ours.append(send(address, pushes, seconds=WITHIN_S))
    for name, each in ((name, each) for name, its in (("bare", bare), ("Minyi", ours)) for each in its):
        figures = ", ".join(f"{what} {value:.4g}" for what, value in each.items())
        print(f"{name:6} {figures}")
    stored = run_module(seeding, "check", str(file), environment=environment)
    report(ours, bare, pulled, json.loads(stored.splitlines()[-1]))


def write_requests(phones: list[dict]) -> tuple[list[Request], list[Request]]:
    """Each phone's push, some twice and not at once; and the same rows for the bare view."""
    random_ = random.Random(SEED)
    pushes, bare = [], []
    for place, phone in enumerate(phones):
        body, count = phone["push"].encode(), len(phone["answers"])
        headers = {"Content-Type": "application/json"}
        bare.append(("/write_many", body, headers, count))
        headers = headers | {"Content-Encoding": "gzip", "Authorization": f"Token {phone['token']}"}
        push = ("/api/v1/sync/push/", gzip.compress(body), headers, count)
        pushes.append((float(place), push))
        if random_.random() < PUSHED_AGAIN:
            pushes.append((place + random_.random() * 20, push))
    return [push for _at, push in sorted(pushes, key=lambda each: each[0])], bare


def without_items(request: Request) -> Request:
    """The same push with nothing in it."""
    path, body, headers, _count = request
    zipped = "Content-Encoding" in headers
    empty = json.loads(gzip.decompress(body) if zipped else body) | {"items": []}
    sent = json.dumps(empty).encode()
    return path, gzip.compress(sent) if zipped else sent, headers, 0


def send(address: str, requests: Iterable[Request], *, seconds: float) -> dict[str, float]:
    """Send all of them, or as many as there is time for, over `CONNECTIONS` lines; rates and processor time.

    An interview that is pushed twice counts twice: the server has the same work with it.
    """
    waiting, lock = iter(requests), threading.Lock()
    answered: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
    cpu, started = server_cpu_s(), time.monotonic()

    def line() -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=WITHIN_S)
        while time.monotonic() - started < seconds:
            with lock:
                request = next(waiting, None)
            if request is None:
                break
            path, body, headers, count = request
            try:
                connection.request("POST", path, body, headers)
                reply = connection.getresponse()
                reply.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                answered.put((0, 0))
                continue
            answered.put((reply.status, count))
        connection.close()

    threads = [threading.Thread(target=line) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, cpu = time.monotonic() - started, server_cpu_s() - cpu
    results = [answered.get() for _ in range(answered.qsize())]
    taken = sum(count for status, count in results if status in (200, 201))
    return {
        "interviews/s": taken / took,
        "CPU ms": 1000 * cpu / max(taken, 1),
        "interviews": taken,
        "seconds": took,
        "failed": sum(status not in (200, 201) for status, _count in results),
    }


def report(ours: list[dict], bare: list[dict], pulled: dict, stored: dict) -> None:
    """Print the ratios; exit 1 when a target is missed."""
    rate = mean(ours, "interviews/s") / mean(bare, "interviews/s")
    cpu = mean(bare, "CPU ms") / mean(ours, "CPU ms")
    evening = sum(each["seconds"] for each in ours)
    print(f"evening: pushed in {evening:.1f} s (at most {WITHIN_S})")
    print(f"rate {rate:.2f} of bare (at least {TARGET_RATE})")
    print(f"processor time of the servers: bare takes {cpu:.2f} of ours for an interview")
    print(f"one worker settled {stored['settled']} in {stored['settled_in_s']:.1f} s")
    print(
        f"stored after the load: {stored['after_load']}; after everything once more: {stored['accepted']} of "
        f"{stored['sent']} accepted; lost: {stored['lost']}; doubled: {stored['doubled']}; "
        f"with other answers: {stored['other']}; audit chain: {stored['chain']}"
    )
    failed = sum(each["failed"] for each in ours)
    is_whole = stored["after_load"] == stored["accepted"] == stored["sent"] and stored["chain"] == "whole"
    is_clean = not (failed or stored["lost"] or stored["doubled"] or stored["other"])
    is_quick = rate >= TARGET_RATE and max(evening, pulled["seconds"]) <= WITHIN_S
    if not (is_whole and is_clean and is_quick):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
