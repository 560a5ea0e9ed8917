"""The few parts of a web framework that the sandbox needs: requests, replies, routes."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Environ = dict[str, Any]
MAX_BODY_BYTES = 20 * 1024 * 1024


class DropConnection(Exception):
    """Close the connection without an answer: what a broken network looks like."""


class BadRequest(Exception):
    """The sandbox's own API was called wrongly; the message says how."""


@dataclass
class Request:
    """One HTTP request."""

    environ: Environ
    body: bytes

    @classmethod
    def read(cls, environ: Environ) -> "Request":
        """Read the request and its whole body; the server has limited its size."""
        return cls(environ, environ["wsgi.input"].read())

    @property
    def method(self) -> str:
        return self.environ["REQUEST_METHOD"]

    @property
    def path(self) -> str:
        return self.environ["PATH_INFO"]

    @property
    def query_string(self) -> str:
        return self.environ.get("QUERY_STRING", "")

    @property
    def host(self) -> str:
        """Host and port as the client wrote them."""
        return self.environ.get("HTTP_HOST", "")

    @property
    def remote_address(self) -> str:
        return self.environ.get("REMOTE_ADDR", "")

    @property
    def user_agent(self) -> str:
        return self.environ.get("HTTP_USER_AGENT", "")

    @cached_property
    def query(self) -> dict[str, str]:
        """First value of each parameter."""
        return _first_values(self.query_string)

    @cached_property
    def form(self) -> dict[str, str]:
        """First value of each field of a posted form."""
        return _first_values(self.body.decode("utf-8", "replace"))

    @cached_property
    def cookies(self) -> dict[str, str]:
        try:
            jar = SimpleCookie(self.environ.get("HTTP_COOKIE", ""))
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in jar.items()}

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None when it is not one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


def _first_values(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True).items()}


@dataclass
class Reply:
    """One HTTP reply."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: list[tuple[str, str]] = field(default_factory=list)


def json_reply(value: Any, status: int = 200) -> Reply:
    """JSON as Tencent sends it: UTF-8, not escaped."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(body, status, "application/json; charset=utf-8")


def redirect(location: str) -> Reply:
    """302 to an address."""
    return Reply(b"", 302, headers=[("Location", location)])


def is_web_address(text: str) -> bool:
    """Whether `text` is an absolute http(s) address with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


Handler = Callable[..., Reply]


class Router:
    """Finds the handler of a path. `{name}` in a pattern is one path segment, given as an argument."""

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], frozenset[str], Handler]] = []

    def add(self, methods: Iterable[str], pattern: str, handler: Handler) -> None:
        """Register `handler(request, **segments)`."""
        expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append((re.compile(expression), frozenset(methods), handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler and the path's segments, or None."""
        for expression, methods, handler in self._routes:
            match = expression.fullmatch(path)
            if match and method in methods:
                return handler, match.groupdict()
        return None
