"""A real server process over a database of its own, to be killed at will; and phones that talk to it."""

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from functools import cache
from pathlib import Path

import requests

from tests.residents import ANSWERS

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 60
EMPTY = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
"""
MANAGE = """
from django.core.management import execute_from_command_line
execute_from_command_line({arguments!r})
"""
SEED = """
from tests import factories
from tests.residents import make_open_round, write_letter
regions = factories.make_regions()
for case in make_open_round(regions["370105000000"], take={take}).cases.order_by("number"):
    print(write_letter(case)[0], case.opaque_id.hex)
"""


class RealSite:
    """A server in a process of its own on a free port, with `letters` [(QR, case id)].

    The process is forked from one that has everything loaded (tests/nest.py), so that it is soon back.

    Parameters
    ----------
    folder : an empty folder for its database.
    letters : how many at least.
    """

    def __init__(self, folder: Path, letters: int) -> None:
        self.database, self._log, self._out = (
            folder / name for name in ("site.sqlite3", "server.log", "program.out")
        )
        self.database.write_bytes(empty_database())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: int | None = None
        with self._log.open("ab") as log:
            self._nest = subprocess.Popen(
                [sys.executable, "-m", "tests.nest", str(self.port), str(self._log)],
                cwd=ROOT,
                env=_env(folder, self.database),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._heard()
        self.letters = [tuple(line.split()) for line in self.program(self.seeding(letters)).splitlines()]

    def seeding(self, letters: int) -> str:
        """The program that fills the database and prints one line for each letter."""
        return SEED.format(take=-(-letters // 4))  # the round of 天桥区 has four PSUs

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._server = self._ask(serve=True)["pid"]
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            try:
                requests.get(f"{self.url}/s/", timeout=5)
                return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        if self._server is not None:
            os.kill(self._server, signal.SIGKILL)
            self._ask(reap=self._server)
            self._server = None

    def close(self) -> None:
        """Everything that it started ends."""
        self.kill()
        self._nest.stdin.close()
        self._nest.wait()
        self._nest.stdout.close()

    def count(self, query: str, *values: object) -> int:
        """One number out of its database, read from outside."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(query, values).fetchone()[0]

    def manage(self, *arguments: str) -> str:
        """Run a command of the site's and return what it says."""
        return self.program(MANAGE.format(arguments=["manage.py", *arguments]))

    def program(self, text: str) -> str:
        """Run a program beside its server and return what it prints."""
        self._out.unlink(missing_ok=True)
        code = self._ask(program=text, out=str(self._out))["code"]
        said = self._out.read_text(encoding="utf-8")
        assert code == 0, said + self._log.read_text(encoding="utf-8")[-3000:]
        return said

    def _ask(self, **command: object) -> dict[str, int]:
        self._nest.stdin.write(json.dumps(command) + "\n")
        self._nest.stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, int]:
        line = self._nest.stdout.readline()
        assert line, self._log.read_text(encoding="utf-8")[-3000:]
        return json.loads(line)


def _env(folder: Path, database: Path) -> dict[str, str]:
    return {
        **os.environ,
        "MINYI_ENV": "test",
        "MINYI_VAR_DIR": str(folder),
        "MINYI_DATABASE_URL": f"sqlite:///{database}",
        "MINYI_EMBEDDED_WORKER": "false",
        "DJANGO_SETTINGS_MODULE": "survey.settings",
    }


@cache
def empty_database() -> bytes:
    """A migrated database without rows, from which every site starts; made once for its migrations."""
    hashed = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for file in sorted(ROOT.glob("survey/*/migrations/*.py")):
        hashed.update(file.read_bytes())
    kept = ROOT / "build" / f"empty-{hashed.hexdigest()[:12]}.sqlite3"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        made = kept.with_suffix(f".{os.getpid()}")
        made.write_bytes(_migrated())
        made.replace(kept)
    return kept.read_bytes()


def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "empty.sqlite3"
        done = subprocess.run(
            [sys.executable, "-c", EMPTY],
            cwd=ROOT,
            env=_env(Path(folder), database),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        with contextlib.closing(sqlite3.connect(database)) as connection:
            return connection.serialize()


class WirePhone:
    """A phone on the wire: one session with its cookies, ready to hand in."""

    def __init__(self, site: RealSite, qr: str) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        welcome = self.session.post(f"{site.url}/s/{qr}", timeout=30)
        assert welcome.status_code == 200, welcome.text
        home = welcome.url.rstrip("/")
        self.token = re.search(r'name="form_token" value="([0-9a-f]+)"', welcome.text)[1]
        self.session.post(f"{home}/consent", data={"form_token": self.token}, timeout=30)
        chosen = {"form_token": self.token, "n": 2, "step": "who", "who": "me"}
        form = self.session.post(f"{home}/who", data=chosen, timeout=30)
        self.address = f"{home}/submit"
        self.body = {
            "id": str(uuid.uuid4()),
            "document": re.search(r'data-document-hash="([0-9a-f]+)"', form.text)[1],
            "language": "zh-hans",
            "answers": ANSWERS,
        }

    def submit(self) -> requests.Response:
        """Send the same body, as often as it is called."""
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        return self.session.post(self.address, json=self.body, headers=headers, timeout=30)
