"""WeChat's callback under load, beside a bare view that writes one row, while the broker comes and goes.

    python -m benchmarks.callback_load [--seconds 15] [--messages 12000]

PostgreSQL, two server processes, `wrk` as the load (Debian: wrk), 16 connections, Redis as broker and cache
(Debian: redis-server). Texts and events, half of them plain and half encrypted, a fifth of them tried again
as Tencent does, with the same message under a new signature. Both sites run twice, in turn, with bodies of
the same sizes; in Minyi's second turn Redis is killed after a third of the time and comes back after two
thirds.
Afterwards every message is sent once more, and each must be stored exactly once, with what was sent.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmarks.callback_messages import Push, make_pushes, signed_request
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
from benchmarks.throwaway_redis import Redis, redis

SEED = 20261123
TURNS = 2
TARGET_RATE = 0.3
TENCENT_WAITS_MS = 5000  # then it cuts the connection and tries again (protocol file, section 3)
TRIED_AGAIN = 0.2
HEADERS = {"Content-Type": "text/xml"}


def main() -> None:
    """Run both in turn, compare, check what was stored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--messages", type=int, default=12000)
    options = parser.parse_args()
    require_wrk()
    with (
        postgres("minyi", "bare") as port,
        redis() as broker,
        tempfile.TemporaryDirectory() as folder,
    ):
        run(options, port, broker, Path(folder))


def run(options: argparse.Namespace, pg_port: int, broker: Redis, folder: Path) -> None:
    """Seed, load, compare, check. SystemExit 1 when a target is missed or a message lost."""
    environment = environment_for(folder, pg_port, MINYI_REDIS_URL=broker.url)
    run_module("benchmarks.bare_site", environment=environment)
    run_module("benchmarks.callback_load_seed", "seed", environment=environment)
    pushes = make_pushes(options.messages, SEED)
    ours, bare, after_load = [], [], []
    for turn in range(TURNS):
        share = pushes[turn * len(pushes) // TURNS : (turn + 1) * len(pushes) // TURNS]
        lines = write_requests(share, folder)
        with served("benchmarks.bare_site", environment, folder) as address:
            bare.append(load(address, folder / "bare.txt", options.seconds, folder, endless=True))
        meanwhile = outage(broker, options.seconds) if turn else nullcontext()
        with served("survey.wsgi", environment, folder) as address, meanwhile:
            ours.append(load(address, folder / "ours.txt", options.seconds, folder))
        if ours[-1]["n"] >= len(lines):
            raise SystemExit("there was nothing left to send before the time was over: raise --messages")
        after_load.append(least_stored(lines, ours[-1]["n"]))
    print(f"{len(pushes)} messages, {CONNECTIONS} connections, {WORKERS} processes, seed {SEED}")
    print_table({"bare": bare, "Minyi": ours})
    sent = folder / "pushes.json"
    sent.write_text(json.dumps([push._asdict() for push in pushes], ensure_ascii=False))
    stored = run_module("benchmarks.callback_load_seed", "check", str(sent), environment=environment)
    report(ours, bare, sum(after_load), json.loads(stored.splitlines()[-1]))


def write_requests(pushes: list[Push], folder: Path) -> list[str]:
    """Requests for wrk, signed now (the callback's window is five minutes); returns their message ids."""
    random_ = random.Random(SEED)
    timeline = [(float(number), push) for number, push in enumerate(pushes)]
    # Tencent waits five seconds; here it is impatient, so that tries of one message meet.
    again = [(at + random_.random() * 60, push) for at, push in timeline if random_.random() < TRIED_AGAIN]
    timeline = sorted(timeline + again, key=lambda each: each[0])
    ours, bare = [], []
    for number, (_at, push) in enumerate(timeline):
        path, body = signed_request(push, nonce=str(number))
        ours.append(line("POST", path, HEADERS, body))
        bare.append(line("POST", "/write", HEADERS, body))
    (folder / "ours.txt").write_text("\n".join(ours) + "\n")
    (folder / "bare.txt").write_text("\n".join(bare) + "\n")
    return [push.key for _at, push in timeline]


def least_stored(keys: list[str], answered: int) -> int:
    """How many messages must be stored when so many requests were answered: all but those on their way."""
    return len(set(keys[: answered + CONNECTIONS])) - CONNECTIONS


@contextmanager
def outage(broker: Redis, seconds: int) -> Iterator[None]:
    """Take the broker away for the middle third of the time."""

    def happen() -> None:
        time.sleep(seconds / 3)
        broker.stop()
        time.sleep(seconds / 3)
        broker.start()

    thread = threading.Thread(target=happen)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def report(ours: list[dict], bare: list[dict], must_be: int, stored: dict) -> None:
    """Print the ratios; exit 1 when a target is missed."""
    rate = mean(ours, "requests/s") / mean(bare, "requests/s")
    worst = max(each["worst"] for each in ours)
    print(f"rate {rate:.2f} of bare (at least {TARGET_RATE})")
    cpu = mean(bare, "CPU ms") / mean(ours, "CPU ms")
    print(f"processor time of the servers: bare takes {cpu:.2f} of ours for a request")
    print(f"slowest answer {worst:.0f} ms (Tencent waits {TENCENT_WAITS_MS})")
    print(f"stored after the load: {stored['after_load']} (at least {must_be})")
    print(
        f"after everything once more: {stored['stored']} of {stored['sent']}; doubled: {stored['doubled']}; "
        f"with other content: {stored['other']}"
    )
    unwell = sum(each["broken"] + each["failed"] + each["refused"] for each in ours)
    is_whole = stored["after_load"] >= must_be and stored["stored"] == stored["sent"]
    is_clean = not (unwell or stored["doubled"] or stored["other"])
    if rate < TARGET_RATE or worst > TENCENT_WAITS_MS or not is_whole or not is_clean:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
