"""Tells the workers that there is something to do, without waiting for the broker.

A thread of the process hands over; who wakes it goes on at once. Many calls in a short time make one message:
the rows are the work, the message only says "look". Lost messages are made good by the next look (`tasks`).
"""

import os
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
PAUSE_S = 0.2


class Waker:
    """Calls `send` soon after `wake`, from a thread of its own, at most once in `pause_s` seconds."""

    def __init__(self, send: Callable[[], object], pause_s: float = PAUSE_S) -> None:
        self._send = send
        self._pause_s = pause_s
        self._due = threading.Event()
        self._starting = threading.Lock()
        self._pid = 0

    def wake(self) -> None:
        """Never blocks and never raises."""
        self._due.set()
        if self._pid != os.getpid():  # threads do not survive a fork
            with self._starting:
                if self._pid != os.getpid():
                    threading.Thread(target=self._run, name="minyi-handover", daemon=True).start()
                    self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            try:
                self._send()
            except Exception as error:
                log.warning("the broker took no message; the next look makes up for it", error=str(error))
            time.sleep(self._pause_s)


_SEND: dict[str, Callable[[], object]] = {}
_inbox = Waker(lambda: _SEND["inbox"]())
_outbox = Waker(lambda: _SEND["outbox"]())


def connect(*, inbox: Callable[[], object], outbox: Callable[[], object]) -> None:
    """Called by `tasks`, which stands above the code that wakes."""
    _SEND.update(inbox=inbox, outbox=outbox)


def wake_inbox() -> None:
    """There are pushes to work on."""
    _inbox.wake()


def wake_outbox() -> None:
    """There are messages to send."""
    _outbox.wake()
