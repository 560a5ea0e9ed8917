"""The keyword rules of an account, kept in the process: every text message asks for them."""

import time
from typing import NamedTuple

from django.db import transaction

from survey.wechat.publishing_models import KeywordReply

KEEP_S = 5.0  # other processes see a change this much later at most


class Rule(NamedTuple):
    """What is answered to a word."""

    keyword: str
    match: str
    text: str


_held: dict[int, tuple[float, tuple[Rule, ...]]] = {}


def rules_of(account_id: int) -> tuple[Rule, ...]:
    """The account's rules in the order in which they were made; none older than `KEEP_S`."""
    held = _held.get(account_id)
    if held is not None and time.monotonic() - held[0] < KEEP_S:
        return held[1]
    asked_at = time.monotonic()
    rows = KeywordReply.objects.filter(account=account_id).order_by("pk").values_list(*Rule._fields)
    rules = tuple(Rule(*row) for row in rows)
    _held[account_id] = (asked_at, rules)
    return rules


def forget_rules() -> None:
    """Read them anew: now, for whoever asks in this transaction, and once more when it is committed, because
    another thread may have read the old ones meanwhile."""
    _held.clear()
    transaction.on_commit(_held.clear)
