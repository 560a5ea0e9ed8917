"""Faults on demand: late, dropped, refused, garbled.

A fault strikes requests whose path starts with its `path`, as often as it says, the oldest fault first.
"""

import time
from collections.abc import Callable

from survey.wechat.sandbox.refusals import Refusal
from survey.wechat.sandbox.store import Row, Store
from survey.wechat.sandbox.web import DropConnection, Reply

DELAY = "delay"  # value: seconds of real time before the work is done
ERROR = "error"  # value: the errcode; nothing is done
DROP = "drop"  # the connection closes before the work is done
DROP_AFTER = "drop_after"  # the work is done, the answer is lost
ERROR_AFTER = "error_after"  # value: the errcode; the work is done all the same, which Tencent says of none
GARBLE = "garble"  # an HTML page instead of JSON, as a gateway would send
DOUBLE = "double"  # pushes only: sent twice
SWAP_SIGNATURE = "swap_signature"  # pushes only: signed with another token
KINDS = (DELAY, ERROR, DROP, DROP_AFTER, ERROR_AFTER, GARBLE, DOUBLE, SWAP_SIGNATURE)
MAX_DELAY_SECONDS = 120


def add(store: Store, *, path: str, kind: str, value: float, times: int | None) -> None:
    """Arrange a fault; `times` None means until `clear`."""
    store.run(
        "INSERT INTO faults (path, kind, value, remaining) VALUES (?, ?, ?, ?)", path, kind, value, times
    )


def clear(store: Store) -> None:
    """End every fault."""
    store.run("DELETE FROM faults")


def take(store: Store, path: str) -> Row | None:
    """The fault that strikes this request; its remaining count goes down."""
    with store.transaction():
        row = store.one(
            "SELECT * FROM faults WHERE substr(?, 1, length(path)) = path ORDER BY id LIMIT 1", path
        )
        if row is not None and row["remaining"] is not None:
            store.run("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", row["id"])
            store.run("DELETE FROM faults WHERE id = ? AND remaining <= 0", row["id"])
    return row


def answer(store: Store, path: str, work: Callable[[], Reply]) -> Reply:
    """Do the work, with the fault that strikes it.

    Raises
    ------
    DropConnection : the client must not get an answer.
    """
    fault = take(store, path)
    if fault is None:
        return work()
    kind = fault["kind"]
    if kind == DROP:
        raise DropConnection
    if kind == ERROR:
        return Refusal(int(fault["value"])).reply()
    if kind == GARBLE:
        return Reply(b"<html><body>502 Bad Gateway</body></html>", 200)
    if kind == DELAY:
        time.sleep(fault["value"])
    reply = work()
    if kind == DROP_AFTER:
        raise DropConnection
    return Refusal(int(fault["value"])).reply() if kind == ERROR_AFTER else reply
