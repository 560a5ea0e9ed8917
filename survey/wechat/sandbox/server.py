"""A threaded HTTP/1.1 server for WSGI applications, with keep-alive.

The standard library's wsgiref closes every connection; a demo that sends thousands of answers needs to
keep them. Only what the sandbox's applications use of WSGI is here.
"""

import io
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from survey.wechat.sandbox.web import MAX_BODY_BYTES, DropConnection, Environ

WSGIApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
IDLE_SECONDS = 60


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "minyi-wechat-sandbox"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: "SandboxServer"

    def _run(self) -> None:
        length = self.headers.get("Content-Length", "0")
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        if chunked or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True  # what follows on this connection cannot be told from a body
            self.send_error(413 if length.isdigit() and not chunked else 411)
            return
        environ = self._environ(self.rfile.read(int(length)))
        try:
            status_headers: list[Any] = []
            chunks = self.server.application(environ, lambda *answer: status_headers.extend(answer))
            self._send(status_headers[0], status_headers[1], b"".join(chunks))
        except DropConnection:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _run

    def _environ(self, body: bytes) -> Environ:
        path, _, query = self.path.partition("?")
        environ: Environ = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(path),
            "RAW_PATH": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_PORT": str(self.server.port),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *values: Any) -> None:
        """Silent: addresses hold codes and secrets."""


class SandboxServer(ThreadingHTTPServer):
    """Serves one WSGI application; each connection has a thread."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, application: WSGIApplication) -> None:
        self.application = application
        super().__init__((host, port), _Handler)

    @property
    def port(self) -> int:
        """The port really bound (0 asks for any)."""
        return self.server_address[1]

    def start_in_background(self) -> threading.Thread:
        """Serve from a thread of its own until `shutdown`."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        return thread

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; everything else is a fault of ours and is printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
