"""Rows that the console may show: rounds by the team's grants only, jobs by who started them."""

from typing import Any

from django.db.models import Q, QuerySet

from survey.accounts.models import User
from survey.accounts.policies import ADMINISTRATOR, MAY
from survey.common.errors import Problem
from survey.jobs.models import Job
from survey.studies.models import Round, Study


def team_studies(user: User) -> QuerySet[Study]:
    """Studies where the user is of the team.

    `visible_to` counts every grant; here an official's grant opens nothing, even if the same person is an
    analyst somewhere else.
    """
    roles = MAY["console.view"]
    condition = user.region_filter("region__path", *roles)
    for path in user.granted_paths(*roles):
        condition |= Q(region__path__in=[path[:n] for n in range(2, len(path) + 1)])
    return Study.objects.visible_to(user).filter(condition)


def team_rounds(user: User) -> QuerySet[Round]:
    """Rounds of those studies."""
    return (
        Round.objects.visible_to(user)
        .filter(study__in=team_studies(user))
        .select_related("study__region", "questionnaire_version__questionnaire", "consent_text")
    )


def team_round(user: User, pk: int) -> Round:
    """One round, or Problem common.not_found (also where it exists but is not the user's)."""
    round_ = team_rounds(user).filter(pk=pk).first()
    if round_ is None:
        raise Problem("common.not_found")
    return round_


def visible_jobs(user: User) -> QuerySet[Job]:
    """One's own jobs; an administrator sees all. A job's refused rows may quote a file of addresses."""
    if ADMINISTRATOR in user.roles():
        return Job.objects.select_related("created_by")
    return Job.objects.filter(created_by=user).select_related("created_by")


def one_of(rows: QuerySet[Any], **where: Any) -> Any:
    """The row, or Problem common.not_found."""
    row = rows.filter(**where).first()
    if row is None:
        raise Problem("common.not_found")
    return row
