"""What responses do every day by themselves."""

from survey.jobs.chores import daily
from survey.responses.services import discard_stale_drafts, discard_unclaimed


@daily("responses.stale_drafts")
def stale_drafts() -> None:
    """Drafts that nobody can hand in any more."""
    discard_stale_drafts()


@daily("responses.unclaimed_attachments")
def unclaimed_attachments() -> None:
    """Pictures that no answer ever named."""
    discard_unclaimed()
