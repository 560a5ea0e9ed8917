"""Handing in under load, beside a bare Django view that writes one row: rate, latency, and nothing lost.

    python -m benchmarks.submit_load [--seconds 20] [--phones 1500]

PostgreSQL, two server processes, `wrk` as the load (Debian: wrk), 16 connections. Each phone saves its
blocks, hands in, and often sends things again or out of order, as phones on bad networks do; a saved block
counts as a request. The bare view has no middleware and gets bodies of the same sizes. Both run twice,
in turn; their means are compared. Afterwards every phone hands in once more, and each household must have
exactly one response with exactly what its phone sent.
"""

import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.throwaway_postgres import postgres

SEED = 20261123
CONNECTIONS = 16
WORKERS = 2
BLOCK_SAVES = 6
TARGET_RATE, TARGET_P99 = 0.3, 4.0
COLUMNS = ("p50", "p99", "n", "refused", "failed", "broken")
ROOT = Path(__file__).resolve().parents[1]
LUA = """
local lines, at, main_thread = {}, 0, nil
for line in io.lines(os.getenv("REQUESTS")) do lines[#lines + 1] = line end
failed = 0
setup = function(thread) main_thread = thread end
request = function()
  at = at + 1
  if at > #lines then wrk.thread:stop() end
  local line = lines[(at - 1) % #lines + 1]
  local method, path, cookie, token, body = line:match("([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)")
  return wrk.format(method, path, {["Cookie"] = cookie, ["X-CSRFToken"] = token,
    ["Content-Type"] = "application/json", ["Accept"] = "application/json"}, body)
end
response = function(status) if status >= 500 then failed = failed + 1 end end
done = function() print("failed " .. main_thread:get("failed")) end
"""


def main() -> None:
    """Run both in turn, compare, check what was stored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--phones", type=int, default=1500)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian: apt-get install wrk)")
    with postgres("minyi", "bare") as port, tempfile.TemporaryDirectory() as folder:
        run(options, port, Path(folder))


def run(options: argparse.Namespace, pg_port: int, folder: Path) -> None:
    """Seed, load, compare, check. SystemExit 1 when a target is missed or an answer lost."""
    environment = {
        **os.environ,
        "MINYI_ENV": "demo",
        "MINYI_VAR_DIR": str(folder),
        "MINYI_DATABASE_URL": f"postgres://minyi@127.0.0.1:{pg_port}/minyi",
        "MINYI_EMBEDDED_WORKER": "false",
        "MINYI_WEB_WORKERS": str(WORKERS),
        "DJANGO_SETTINGS_MODULE": "survey.settings",
        "BARE_DATABASE": "bare",
        "BARE_PORT": str(pg_port),
    }
    python = sys.executable
    subprocess.run([python, "-m", "benchmarks.bare_site"], cwd=ROOT, env=environment, check=True)
    phones = folder / "phones.json"
    subprocess.run(
        [python, "-m", "benchmarks.submit_load_seed", str(options.phones), str(phones)],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    plan = json.loads(phones.read_text())
    requests, sends = write_requests(plan, folder)
    (folder / "wrk.lua").write_text(LUA)
    ours, bare = [], []
    for turn in range(2):
        bare.append(
            measure("benchmarks.bare_site", f"{folder}/bare.txt", options.seconds, environment, folder)
        )
        part = folder / f"part{turn}.txt"
        half = len(requests) // 2
        part.write_text("\n".join(requests[turn * half : (turn + 1) * half]) + "\n")
        ours.append(measure("survey.wsgi", str(part), options.seconds, environment, folder))
    lost = check_stored(plan, environment, folder)
    report(ours, bare, len(plan), sends, lost)


def write_requests(plan: list[dict], folder: Path) -> tuple[list[str], int]:
    """Lines for wrk: each phone's saves and its submission, some twice, some out of order; and bare ones."""
    random_ = random.Random(SEED)
    timeline: list[tuple[float, str]] = []
    sends = 0
    for number, phone in enumerate(plan):
        start = number * 1.0
        for sequence, body in enumerate(phone["drafts"], start=1):
            late = random_.random() * 4 if random_.random() < 0.1 else 0  # overtaken on the way
            timeline.append((start + sequence + late, line("PUT", phone, "draft", body)))
        at = start + BLOCK_SAVES + 1
        for extra in range(1 + (random_.random() < 0.25)):
            timeline.append((at + 3 * extra, line("POST", phone, "submit", phone["submit"])))
            sends += 1
    timeline.sort(key=lambda each: each[0])
    lines = [text for _at, text in timeline]
    bare = ["\t".join(["POST", "/write", "a=1", "x", text.split("\t", 4)[4]]) for text in lines[:4000]]
    (folder / "bare.txt").write_text("\n".join(bare * 20) + "\n")
    return lines, sends


def line(method: str, phone: dict, what: str, body: str) -> str:
    """One request for wrk."""
    return "\t".join(
        [method, f"/r/{phone['key']}/{what}", f"minyi_device={phone['secret']}", phone["token"], body]
    )


def measure(module: str, requests: str, seconds: int, environment: dict[str, str], folder: Path) -> dict:
    """Serve a WSGI module with gunicorn and load it; returns rate, p50, p99 (ms), statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-b", f"127.0.0.1:{port}"]
    command += ["-w", str(WORKERS), "--threads", str(CONNECTIONS // WORKERS), f"{module}:application"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log.open("ab"))
    try:
        wait_for(port, log)
        load = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(folder / "wrk.lua")]
        out = subprocess.run(
            [*load, f"http://127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            check=True,
            env={**environment, "REQUESTS": requests},
        ).stdout
    finally:
        server.terminate()
        server.wait()
    return read_wrk(out)


def wait_for(port: int, log: Path) -> None:
    """Until the server answers anything at all, in every worker's first request too."""
    for _attempt in range(200):
        try:
            for _worker in range(4 * WORKERS):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text()[-2000:]}")


def read_wrk(out: str) -> dict:
    """wrk's own figures."""

    def milliseconds(text: str) -> float:
        value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]

    found = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", out, re.M))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        "n": int(re.search(r"(\d+) requests in", out)[1]),
        "p50": milliseconds(found["50"]),
        "p99": milliseconds(found["99"]),
        "failed": int(re.search(r"failed (\d+)", out)[1]),
        "refused": int(refused[1]) if refused else 0,
        "broken": sum(map(int, broken.groups())) if broken else 0,
    }


def check_stored(plan: list[dict], environment: dict[str, str], folder: Path) -> dict:
    """Every phone hands in once more; one response each, with its own answers."""
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.submit_load_seed", "check", str(folder / "phones.json")],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return json.loads(out.splitlines()[-1])


def report(ours: list[dict], bare: list[dict], phones: int, sends: int, stored: dict) -> None:
    """Print the ratios; exit 1 when a target is missed."""
    print(
        f"{phones} phones, {sends} submissions, {CONNECTIONS} connections, {WORKERS} processes, seed {SEED}"
    )
    print(f"{'':8}" + "".join(f"{name:>12}" for name in ("requests/s", *COLUMNS)))
    for name, runs in (("bare", bare), ("Minyi", ours)):
        for each in runs:
            print(f"{name:8}{each['rate']:12.0f}" + "".join(f"{each[column]:12g}" for column in COLUMNS))
    rate = mean(ours, "rate") / mean(bare, "rate")
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


def mean(runs: list[dict], what: str) -> float:
    """The mean of the two turns."""
    return sum(each[what] for each in runs) / len(runs)


if __name__ == "__main__":
    main()
