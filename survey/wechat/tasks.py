"""Celery shells around what arrives and what is sent, and the daily care for people's contact data.

The contact data of rounds is destroyed here because openids are kept by this app.
"""

from celery import shared_task

from survey.audit.services import SYSTEM
from survey.jobs.chores import daily
from survey.jobs.looks import at_every_look
from survey.responses.retention import destroy_contact_data, due_rounds
from survey.studies.models import Round
from survey.wechat import handover, inbox, mass, sending
from survey.wechat.planning import store_plan
from survey.wechat.services import forget_users


@shared_task(name="survey.wechat.tasks.handle_pending")
def handle_pending() -> None:
    """Work on received pushes until none is due."""
    while inbox.handle_pending() == inbox.BATCH:
        pass


@shared_task(name="survey.wechat.tasks.send_due")
def send_due() -> None:
    """Send what is due, until nothing is or this minute's allowance is used up."""
    while sending.send_due() + mass.send_mass_due() > 0:
        pass


@at_every_look("wechat.outbox")
def look_at_outbox() -> None:
    """Messages that are due, to be repeated, or to be given up."""
    if sending.has_due():
        send_due.delay()


@at_every_look("wechat.inbox")
def look_at_inbox() -> None:
    """Make up for messages that the broker lost, and for failed work that is due again."""
    if inbox.has_pending():
        handle_pending.delay()


@daily("wechat.plan")
def plan_rounds() -> None:
    """Write down what is due today, for every open round."""
    for round_ in Round.objects.filter(state=Round.State.OPEN).order_by("pk"):
        store_plan(round=round_, acting_user=SYSTEM)


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
    outbox=lambda: send_due.apply_async(retry=False),
)
