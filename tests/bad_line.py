"""A line between a phone and a server that drops, delays and cuts: a TCP proxy with a seed."""

import contextlib
import random
import socket
import threading
import time
from collections import Counter

CHUNK = 2048
HARMS = ("drop", "cut up", "cut down", "delay")
AWAY = "server away"


class BadLine:
    """Passes connections on from its own port to `port`, and harms a share of them.

    Parameters
    ----------
    harm : share of connections that are harmed, by one of: refused at once, cut after a random number of
        bytes on the way up (a truncated request), cut on the way down (a truncated answer), or delayed.

    `counts` tells what became of the connections: one of `HARMS`, "pass", or `AWAY` when there was no server.
    """

    def __init__(self, port: int, *, harm: float, seed: int, longest_delay_s: float = 0.4) -> None:
        self.port, self.harm, self.longest_delay_s = port, harm, longest_delay_s
        self.random, self.counts, self._counting = random.Random(seed), Counter(), threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.own_port}"
        self._open = True
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self._open = False
        self._listener.close()

    @property
    def reached(self) -> int:
        """How many connections so far were not lost to a server that was away."""
        with self._counting:
            return self.counts.total() - self.counts[AWAY]

    @property
    def harmed(self) -> int:
        """How many connections it has harmed."""
        with self._counting:
            return sum(self.counts[kind] for kind in HARMS)

    def _serve(self) -> None:
        while self._open:
            try:
                phone, _address = self._listener.accept()
            except OSError:
                return
            kind = self.random.choice(HARMS)
            if self.random.random() >= self.harm:
                kind = "pass"
            with self._counting:
                self.counts[kind] += 1
            plan = (kind, self.random.randint(1, 6000), self.random.uniform(0, self.longest_delay_s))
            threading.Thread(target=self._carry, args=(phone, *plan), daemon=True).start()

    def _carry(self, phone: socket.socket, kind: str, n_bytes: int, delay_s: float) -> None:
        if kind == "drop":
            phone.close()
            return
        if kind == "delay":
            time.sleep(delay_s)
        try:
            server = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        except OSError:
            phone.close()
            with self._counting:
                self.counts.subtract([kind])
                self.counts[AWAY] += 1
            return
        limits = (n_bytes if kind == "cut up" else None, n_bytes if kind == "cut down" else None)
        up = threading.Thread(target=_pump, args=(phone, server, limits[0]), daemon=True)
        up.start()
        _pump(server, phone, limits[1])
        up.join(timeout=30)


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    """Carry bytes one way until the end or the limit; then both directions are over."""
    left = limit
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK if left is None else min(CHUNK, left)):
            target.sendall(data)
            if left is not None:
                left -= len(data)
                if left <= 0:
                    break
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
