"""Celery shells around what arrives and what is sent, and the daily care for people's contact data.

The contact data of rounds is destroyed here because openids are kept by this app.
"""

from celery import shared_task

from survey.audit.services import SYSTEM
from survey.jobs.chores import daily
from survey.jobs.looks import at_every_look
from survey.responses.retention import destroy_contact_data, due_rounds
from survey.wechat import handover, inbox
from survey.wechat.services import forget_users


@shared_task(name="survey.wechat.tasks.handle_pending")
def handle_pending() -> None:
    """Work on received pushes until none is due."""
    while inbox.handle_pending() == inbox.BATCH:
        pass


@at_every_look("wechat.inbox")
def look_at_inbox() -> None:
    """Make up for messages that the broker lost, and for failed work that is due again."""
    if inbox.has_pending():
        handle_pending.delay()


@daily("wechat.contact_data")
def contact_data() -> None:
    """Addresses, rosters and identities of rounds whose retention date has passed; old pushes."""
    for round_ in due_rounds():
        destroy_contact_data(round=round_, acting_user=SYSTEM)
    forget_users(acting_user=SYSTEM)
    inbox.destroy_old_pushes()


# Nothing is tried twice there: what the broker does not take, the next look sends.
handover.connect(
    inbox=lambda: handle_pending.apply_async(retry=False),
    outbox=lambda: None,
)
