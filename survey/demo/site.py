"""Starts the site and the simulated WeChat as processes of their own, and stops them with the demo."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests
from django.conf import settings

START_LIMIT_S = 60


class SiteError(Exception):
    """A process did not start."""


def port_is_free(port: int) -> bool:
    """Whether nothing listens on this port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Site:
    """The two processes of a demo."""

    def __init__(self, port: int, wechat_port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.wechat_address = f"http://127.0.0.1:{wechat_port}"
        self._ports = (port, wechat_port)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both and wait until they answer."""
        for port in self._ports:
            if not port_is_free(port):
                raise SiteError(
                    f"{port} 号端口已被占用。请先关掉占用它的程序，或者换一个：make demo PORT=8100"
                )
        port, wechat_port = self._ports
        logs = Path(settings.VAR_DIR)
        environment = {
            **os.environ,
            "MINYI_ENV": settings.MINYI_ENV,
            "MINYI_PUBLIC_URL": self.address,
            "MINYI_WECHAT_API_BASE": self.wechat_address,
            "MINYI_WECHAT_OPEN_BASE": self.wechat_address,
            "MINYI_WECHAT_JS_URL": "/sandbox/static/jweixin.js",
            "MINYI_BIND": f"127.0.0.1:{port}",
        }
        sandbox = [sys.executable, "-m", "survey.wechat.sandbox", "--port", str(wechat_port)]
        self._spawn(
            [*sandbox, "--state", str(logs / "wechat-sandbox.sqlite3")], environment, "wechat-sandbox.log"
        )
        web = [sys.executable, "-m", "gunicorn", "-c", "survey/gunicorn.py", "survey.wsgi"]
        self._spawn(web, environment, "site.log")
        self._wait(self.address + "/accounts/login/", "site.log")
        self._wait(self.wechat_address + "/sandbox/api/health", "wechat-sandbox.log")

    def _spawn(self, command: list[str], environment: Mapping[str, str], log: str) -> None:
        with (Path(settings.VAR_DIR) / log).open("ab") as file:
            self._processes.append(
                subprocess.Popen(  # noqa: S603 - our own modules
                    command,
                    cwd=settings.BASE_DIR,
                    env=dict(environment),
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            )

    def _wait(self, url: str, log: str) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if any(p.poll() is not None for p in self._processes):
                break
            try:
                if requests.get(url, timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        self.stop()
        raise SiteError(f"网站没有启动起来，原因见 {Path(settings.VAR_DIR) / log}")

    def wait(self) -> None:
        """Until one of the processes ends."""
        while all(p.poll() is None for p in self._processes):
            time.sleep(1)

    def stop(self) -> None:
        """End both."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
