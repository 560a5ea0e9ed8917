"""Keeps codes out of logs: a letter's code in an address is as good as a key to the household."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# /s/<qr code>, code=…, state=…, openid=… and Authorization headers
_SECRET = re.compile(r"(?i)(/s/|\b(?:code|state|openid|access_token|secret|token|signature)=)[^\s&\"'/?]+")


class RedactCodes(logging.Filter):
    """Replaces secrets in the message and its arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _SECRET.sub(r"\1***", record.getMessage())
        record.args = ()
        return True


def configure_structlog() -> None:
    """Send structlog's lines through the standard log, and so through the filter above.

    Its default prints tracebacks with every local variable: addresses, codes and answers would stand in
    the log of a failed job.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            _as_standard_record,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _as_standard_record(
    logger: logging.Logger, method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """The event and its fields as one line; the exception is left to the standard formatter."""
    exc_info = event.pop("exc_info", None)
    line = " ".join([str(event.pop("event")), *(f"{key}={value}" for key, value in event.items())])
    return (line,), {"exc_info": exc_info} if exc_info else {}
