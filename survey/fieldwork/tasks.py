"""What fieldwork does every day by itself."""

from survey.fieldwork.sync.pushing import discard_payloads, settle_waiting
from survey.jobs.chores import daily


@daily("fieldwork.sync_waiting")
def sync_waiting() -> None:
    """Items of phones that were stored and could not be settled at once."""
    settle_waiting(limit=5000, budget_s=600.0)


@daily("fieldwork.sync_originals")
def sync_originals() -> None:
    """Sealed originals that are not needed any more."""
    discard_payloads()
