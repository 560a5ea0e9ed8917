"""A Redis server for one benchmark, that can be taken away and brought back in between."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Redis:
    """One server on a random loopback port; what it held is gone whenever it stops."""

    def __init__(self) -> None:
        if shutil.which("redis-server") is None:
            raise SystemExit("Redis is not installed (Debian: apt-get install redis-server)")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._server: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """Its address, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._server = subprocess.Popen([*command, "--appendonly", "no"], stdout=subprocess.DEVNULL)
        for _attempt in range(100):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("Redis did not start")

    def stop(self) -> None:
        """Stop it at once, as a machine does that loses its power."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


@contextmanager
def redis() -> Iterator[Redis]:
    """A running Redis, gone afterwards."""
    server = Redis()
    server.start()
    try:
        yield server
    finally:
        server.stop()
