"""Who may do what in sampling, asked by the services themselves."""

from survey.accounts.policies import require
from survey.audit.services import Actor, SystemActor
from survey.regions.models import Region


def check_right(acting_user: Actor, action: str, region: Region) -> None:
    """People need the right in that region; commands and jobs act for whoever runs the machine.

    Raises
    ------
    Problem common.forbidden
    """
    if not isinstance(acting_user, SystemActor):
        require(acting_user, action, region)
