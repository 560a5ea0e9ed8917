"""A real server process over a database of its own, to be killed at will; and phones that talk to it."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

import requests

from tests.residents import ANSWERS

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 60
SEED = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
from tests import factories
from tests.residents import make_open_round, write_letter
regions = factories.make_regions()
for case in make_open_round(regions["370105000000"], take={take}).cases.order_by("number"):
    print(write_letter(case)[0], case.opaque_id.hex)
"""


class RealSite:
    """`manage.py runserver` in a process of its own on a free port, with `letters` [(QR, case id)].

    Parameters
    ----------
    folder : an empty folder for its database.
    letters : how many at least.
    """

    def __init__(self, folder: Path, letters: int) -> None:
        self.database = folder / "site.sqlite3"
        self._env = {
            **os.environ,
            "MINYI_ENV": "test",
            "MINYI_VAR_DIR": str(folder),
            "MINYI_DATABASE_URL": f"sqlite:///{self.database}",
            "MINYI_EMBEDDED_WORKER": "false",
            "DJANGO_SETTINGS_MODULE": "survey.settings",
        }
        made = subprocess.run(
            [sys.executable, "-c", self.seeding(letters)],
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        self.letters = [tuple(line.split()) for line in made.stdout.splitlines()]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "server.log"
        self._process: subprocess.Popen | None = None

    def seeding(self, letters: int) -> str:
        """The program that fills the database and prints one line for each letter."""
        return SEED.format(take=-(-letters // 4))  # the round of 天桥区 has four PSUs

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            try:
                requests.get(f"{self.url}/s/", timeout=5)
                return
            except requests.ConnectionError:
                assert self._process.poll() is None, self._log.read_text()[-3000:]
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self._process.kill()
        self._process.wait()

    def count(self, query: str, *values: object) -> int:
        """One number out of its database, read from outside."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(query, values).fetchone()[0]

    def manage(self, *arguments: str) -> str:
        """Run a command of the site's and return what it says."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


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
