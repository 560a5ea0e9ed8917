"""Where each role's work begins."""

from survey.accounts.models import User
from survey.accounts.policies import may


def landing_path(user: User) -> str:
    """The team begins in the console, an interviewer with today's doors, an official with the reports."""
    if may(user, "console.view"):
        return "/console/"
    if may(user, "fieldwork.visit"):
        return "/field/"
    if may(user, "reports.view"):
        return "/reports/"
    return "/accounts/me/"
