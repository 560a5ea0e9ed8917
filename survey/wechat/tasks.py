"""What is done daily about people's contact data. Up here because openids are kept by this app."""

from survey.audit.services import SYSTEM
from survey.jobs.chores import daily
from survey.responses.retention import destroy_contact_data, due_rounds
from survey.wechat.services import forget_users


@daily("wechat.contact_data")
def contact_data() -> None:
    """Addresses, rosters and identities of rounds whose retention date has passed."""
    for round_ in due_rounds():
        destroy_contact_data(round=round_, acting_user=SYSTEM)
    forget_users(acting_user=SYSTEM)
