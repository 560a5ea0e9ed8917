"""Kill the worker before, during and after the call to WeChat: no resident is written to twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.counting_tencent import CountingTencent

TITLE = "A killed worker never asks anyone twice, and never keeps silent about what it does not know"
CLAIM = (
    "A worker process that sends planned messages is killed with SIGKILL before, during and after its call "
    "to WeChat; then another one goes on. Half of the messages are customer-service messages, half are "
    "template messages, which may be repeated under their own client message id. At the end every message "
    "was shown on its phone at most once, none is left unsent without a word, and each one that may or may "
    "not have arrived is `unknown`. The time that has to pass before a call counts as lost is taken off the "
    "rows' clocks."
)
KILLS = 40
SEED = 20261123
ROOT = Path(__file__).resolve().parents[2]
MOMENTS = ("before the call", "while WeChat has it", "after WeChat has done it", "after the answer")
SETUP = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
from tests import factories
from tests.survey.wechat import outbox
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.wechat.models import OutboundMessage
from survey.wechat.planning import store_plan
regions = factories.make_regions()
round_ = outbox.lettered_round(regions["370105000000"], take={take})
outbox.set_plan(round_, outbox.steps("custom", "template"))
account = outbox.make_account(round_)
for number, case in enumerate(round_.cases.order_by("pk")):
    seen = {{"last_message_at": now()}} if number % 2 else {{}}
    outbox.opened_in_wechat(account, case, f"{{number:04d}}", **seen)
store_plan(round=round_, acting_user=SYSTEM)
print(OutboundMessage.objects.count())
"""
# One process loads the program once; each line on its input makes it fork a worker, whose id it prints.
NURSERY = """
import os, sys, time, django
django.setup()
from django.db import connections
from survey.wechat import sending
connections.close_all()
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        while True:
            sending.send_due(1)
            time.sleep(0.005)
    print(child, flush=True)
"""


class Outbox:
    """A site's database with planned messages, and workers to be killed."""

    def __init__(self, folder: Path, tencent: CountingTencent, messages: int) -> None:
        self.database = folder / "site.sqlite3"
        self._env = {
            **os.environ,
            "MINYI_ENV": "test",
            "MINYI_VAR_DIR": str(folder),
            "MINYI_DATABASE_URL": f"sqlite:///{self.database}",
            "MINYI_REDIS_URL": "",
            "MINYI_EMBEDDED_WORKER": "false",
            "MINYI_WECHAT_API_BASE": tencent.url,
            "MINYI_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "survey.settings",
        }
        made = self._python(SETUP.format(take=-(-messages // 4)))  # the round of 天桥区 has four PSUs
        out, errors = made.communicate()
        assert made.returncode == 0, errors
        self.n_messages = int(out.splitlines()[-1])
        self._nursery = self._python(NURSERY)
        self._worker = 0

    def _python(self, program: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=self._env,
            text=True,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    def start_worker(self) -> None:
        self._nursery.stdin.write("fork\n")
        self._nursery.stdin.flush()
        self._worker = int(self._nursery.stdout.readline())

    def kill_worker(self) -> None:
        if self._worker:
            os.kill(self._worker, signal.SIGKILL)
            self._worker = 0

    def close(self) -> None:
        self.kill_worker()
        self._nursery.kill()
        self._nursery.communicate()

    def ask(self, query: str, *values: object) -> list[tuple]:
        with sqlite3.connect(self.database, timeout=30) as connection:
            return connection.execute(query, values).fetchall()

    def states(self) -> dict[str, int]:
        return dict(self.ask("SELECT state, COUNT(*) FROM wechat_outboundmessage GROUP BY state"))

    def let_time_pass(self, seconds: int) -> None:
        """Calls that are under way, and unknown ones, happened so much earlier."""
        for name in ("called_at", "first_called_at"):
            self.ask(
                f"UPDATE wechat_outboundmessage SET {name} = strftime('%Y-%m-%d %H:%M:%f', {name}, ?) "
                "WHERE state IN ('sending', 'unknown')",
                f"-{seconds} seconds",
            )


def one_kill(outbox: Outbox, tencent: CountingTencent, moment: str, random_: random.Random) -> None:
    """Start a worker and kill it at this moment of some message's way; then its time runs out."""
    tencent.hold_before_s = 0.4 if moment == MOMENTS[1] else 0.0
    tencent.hold_after_s = 0.4 if moment == MOMENTS[2] else 0.0
    tencent.arrived.clear()
    outbox.start_worker()
    if moment == MOMENTS[0]:
        time.sleep(random_.uniform(0.0, 0.06))
    elif tencent.arrived.wait(20):
        wait = {MOMENTS[1]: (0.02, 0.2), MOMENTS[2]: (0.1, 0.3), MOMENTS[3]: (0.0, 0.02)}[moment]
        time.sleep(random_.uniform(*wait))
    outbox.kill_worker()
    time.sleep(0.5 if moment in MOMENTS[1:3] else 0.0)  # what WeChat had taken in, it carries out
    tencent.hold_before_s = tencent.hold_after_s = 0.0
    outbox.let_time_pass(61)


def send_the_rest(outbox: Outbox, seconds: float = 120) -> None:
    """An undisturbed worker finishes; template messages of unknown outcome are repeated while they may be."""
    outbox.start_worker()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        states = outbox.states()
        if not states.get("planned") and not states.get("sending"):
            break
        time.sleep(0.2)
    outbox.let_time_pass(40)
    time.sleep(2)
    outbox.kill_worker()


def judge(outbox: Outbox, tencent: CountingTencent) -> tuple[list[str], list[str]]:
    """(what is wrong, what was found)."""
    wrong = [
        f"{openid} was shown {n} {channel} messages"
        for (openid, channel), n in Counter(tencent.shown).items()
        if n > 1
    ]
    states = outbox.states()
    left = {name: states.get(name, 0) for name in ("planned", "sending") if states.get(name)}
    if left:
        wrong.append(f"left over: {left}")
    shown, told = len(tencent.shown), states.get("sent", 0)
    if shown < told:
        wrong.append(f"{told} are called sent, but only {shown} were shown")
    if shown > told + states.get("unknown", 0):
        wrong.append(f"{shown} were shown, which the states do not explain: {states}")
    contacts = outbox.ask("SELECT COUNT(*) FROM contacts_contact WHERE mode = 'wechat'")[0][0]
    if contacts != told:
        wrong.append(f"{contacts} contacts for {told} sent messages")
    repeated = len(tencent.calls) - shown
    found = [
        f"- {outbox.n_messages} messages, {len(tencent.calls)} calls, {shown} shown, none twice.",
        f"- states at the end: {', '.join(f'{name} {n}' for name, n in sorted(states.items()))}.",
        f"- {repeated} calls repeated a template message under its own client message id; none of them was "
        "shown again.",
    ]
    return wrong, found


def kill_workers(folder: Path, kills: int, seed: int = SEED) -> tuple[list[str], list[str]]:
    """Kill `kills` workers, each at one of four moments in turn, then let one finish; see `judge`."""
    random_ = random.Random(seed)
    tencent = CountingTencent()
    outbox = Outbox(folder, tencent, messages=3 * kills)
    try:
        for number in range(kills):
            one_kill(outbox, tencent, MOMENTS[number % len(MOMENTS)], random_)
        send_the_rest(outbox)
        return judge(outbox, tencent)
    finally:
        outbox.close()
        tencent.close()


def run() -> tuple[bool, list[str]]:
    """The proof for docs/proof/."""
    with tempfile.TemporaryDirectory() as folder:
        wrong, found = kill_workers(Path(folder), KILLS)
    lines = [f"- {KILLS} kills, {KILLS // 4} at each moment ({', '.join(MOMENTS)}), seed {SEED}.", *found]
    return not wrong, [*lines, *(f"- WRONG: {sentence}" for sentence in wrong)]
