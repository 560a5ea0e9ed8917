"""`python -m survey.wechat.sandbox --port 8020 --state FILE.sqlite3` runs the sandbox until it is stopped."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from survey.wechat.sandbox.app import Sandbox
from survey.wechat.sandbox.pushing import Pusher
from survey.wechat.sandbox.server import SandboxServer
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.webview import WebViews

PHONE_PORTS = 40
RELAXED = ("demo", "development", "test")


def refuse_in_production() -> None:
    """Exit unless MINYI_ENV names an environment that is not production; unset means production."""
    environment = os.environ.get("MINYI_ENV", "production")
    if environment not in RELAXED:
        sys.exit(
            f"模拟微信不能在生产环境运行（MINYI_ENV={environment}）。开发、测试或演示时，请把 MINYI_ENV 设为 "
            f"{'、'.join(RELAXED)} 之一。\n"
            f"The WeChat sandbox does not run in production: set MINYI_ENV to one of {', '.join(RELAXED)}."
        )


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m survey.wechat.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine)")
    parser.add_argument("--port", type=int, default=8020)
    parser.add_argument("--state", type=Path, required=True, help="SQLite file, made when it is not there")
    parser.add_argument(
        "--phone-ports",
        type=int,
        metavar="FIRST",
        help=f"first of the {PHONE_PORTS} ports on which phones show pages (default: the port after --port)",
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Serve until SIGINT or SIGTERM."""
    refuse_in_production()
    options = _arguments(argv)
    first = options.phone_ports or options.port + 1
    options.state.parent.mkdir(parents=True, exist_ok=True)
    store = Store(options.state)
    views = WebViews(store, options.host, range(first, first + PHONE_PORTS))
    try:
        server = SandboxServer(options.host, options.port, Sandbox(store, views))
    except OSError as reason:
        print(
            f"模拟微信没能启动：{options.host}:{options.port} 用不了（{reason.strerror}）。", file=sys.stderr
        )
        return 1

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    pusher = Pusher(store)
    print(f"模拟微信：http://{options.host}:{server.port}/ （仅供开发和演示）", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
        pusher.close()
        views.close()
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
