"""What beat and the embedded loop look after every few seconds: apps register, the loop calls.

A look must be quick: it asks the database whether there is work, and sends a task if there is.
"""

from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
_LOOKS: dict[str, Callable[[], object]] = {}


def at_every_look(name: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a quick function without arguments; `name` such as "wechat.inbox"."""

    def register(look: Callable[[], object]) -> Callable[[], object]:
        _LOOKS[name] = look
        return look

    return register


def do_looks() -> None:
    """Call each; one that fails does not keep the others from their turn."""
    for name, look in sorted(_LOOKS.items()):
        try:
            look()
        except Exception:
            log.exception("a look failed", look=name)
