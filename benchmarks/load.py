"""What the load benchmarks share: gunicorn with two processes, `wrk` with requests from a file, its figures.

A request is one line: method, path, headers (`Name: value`, joined by U+001F), body, with tabs between.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CONNECTIONS = 16
WORKERS = 2
ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("requests/s", "p50", "p99", "worst", "CPU ms", "n", "refused", "failed", "broken")
# Requests are formatted before the clock starts, so that the load generator takes little of the machine.
LUA = """
local requests, at, main_thread = {}, 0, nil
local endless = os.getenv("ENDLESS") == "1"
failed = 0
setup = function(thread) main_thread = thread end
init = function()
  for line in io.lines(os.getenv("REQUESTS")) do
    local method, path, fields, body = line:match("([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)")
    local headers = {}
    for name, value in fields:gmatch("([^:\\31]+): ([^\\31]*)") do headers[name] = value end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end
request = function()
  at = at + 1
  if at > #requests and not endless then wrk.thread:stop() end
  return requests[(at - 1) % #requests + 1]
end
response = function(status) if status >= 500 then failed = failed + 1 end end
done = function(summary, latency)
  print("failed " .. main_thread:get("failed"))
  print("worst " .. latency.max / 1000)
end
"""


def require_wrk() -> None:
    """SystemExit when the load generator is missing."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian: apt-get install wrk)")


def line(method: str, path: str, headers: Mapping[str, str], body: str) -> str:
    """One request for wrk. The body has no line breaks or tabs."""
    fields = "\x1f".join(f"{name}: {value}" for name, value in headers.items())
    return "\t".join([method, path, fields, body])


def environment_for(folder: Path, pg_port: int, **more: str) -> dict[str, str]:
    """What both sites run with: Minyi on database `minyi`, the bare one on `bare`."""
    return {
        **os.environ,
        "MINYI_ENV": "demo",
        "MINYI_VAR_DIR": str(folder),
        "MINYI_DATABASE_URL": f"postgres://minyi@127.0.0.1:{pg_port}/minyi",
        "MINYI_EMBEDDED_WORKER": "false",
        "MINYI_WEB_WORKERS": str(WORKERS),
        "DJANGO_SETTINGS_MODULE": "survey.settings",
        "BARE_DATABASE": "bare",
        "BARE_PORT": str(pg_port),
        **more,
    }


def run_module(name: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """Run one of our modules to its end; what it printed."""
    command = [sys.executable, "-m", name, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextmanager
def served(module: str, environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Serve a WSGI module with the settings that production has; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-b", f"127.0.0.1:{port}"]
    command += ["-w", str(WORKERS), "--threads", str(CONNECTIONS // WORKERS), "--graceful-timeout", "3"]
    command.append(f"{module}:application")
    with log.open("ab") as errors:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)
        try:
            wait_for(port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


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


def server_cpu_s() -> float:
    """Processor seconds that the processes of the site that is served now have used so far (Linux)."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
            if b"gunicorn" not in (stat.parent / "cmdline").read_bytes():
                del found[int(stat.parent.name)]
        except OSError:  # it ended meanwhile
            continue
    masters = {pid for pid, (parent, _ticks) in found.items() if parent == os.getpid()}
    ticks = sum(ticks for parent, ticks in found.values() if parent in masters)
    return ticks / os.sysconf("SC_CLK_TCK")


def load(address: str, requests: Path, seconds: int, folder: Path, *, endless: bool = False) -> dict:
    """Send the requests of a file, once or (`endless`) again and again until the time is over.

    "CPU ms" is the servers' processor time for one request, which other work on the machine disturbs least.
    """
    script = folder / "wrk.lua"
    script.write_text(LUA)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    environment = {**os.environ, "REQUESTS": str(requests), "ENDLESS": "1" if endless else "0"}
    before = server_cpu_s()
    done = subprocess.run(
        [*command, "-s", str(script), address], capture_output=True, text=True, check=True, env=environment
    )
    read = read_wrk(done.stdout)
    return {**read, "CPU ms": 1000 * (server_cpu_s() - before) / read["n"]}


def read_wrk(out: str) -> dict:
    """wrk's own figures: rate per second, p50, p99 and worst in ms, statuses."""

    def milliseconds(text: str) -> float:
        value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]

    found = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", out, re.M))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    return {
        "requests/s": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        "n": int(re.search(r"(\d+) requests in", out)[1]),
        "p50": milliseconds(found["50"]),
        "p99": milliseconds(found["99"]),
        "worst": float(re.search(r"worst ([\d.]+)", out)[1]),
        "failed": int(re.search(r"failed (\d+)", out)[1]),
        "refused": int(refused[1]) if refused else 0,
        "broken": sum(map(int, broken.groups())) if broken else 0,
    }


def print_table(runs: Mapping[str, list[dict]]) -> None:
    """One line for each run."""
    print(f"{'':8}" + "".join(f"{name:>12}" for name in COLUMNS))
    for name, each in ((name, each) for name, its in runs.items() for each in its):
        print(f"{name:8}" + "".join(f"{each[column]:12.5g}" for column in COLUMNS), flush=True)


def mean(runs: list[dict], what: str) -> float:
    """The mean of several runs."""
    return sum(each[what] for each in runs) / len(runs)
