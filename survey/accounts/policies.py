"""Who may do what, where: one table and one question.

Roles are granted on a region and hold for its subtree. Rows are cut by each model's `visible_to`; deeds
are allowed here.
"""

from survey.accounts.models import User
from survey.common.errors import Problem
from survey.regions.models import Region

ADMINISTRATOR, STUDY_LEAD, SUPERVISOR, INTERVIEWER, ANALYST, TEXT_REVIEWER, DATA_STEWARD, OFFICIAL = (
    "administrator",
    "study_lead",
    "supervisor",
    "interviewer",
    "analyst",
    "text_reviewer",
    "data_steward",
    "official",
)

# The field's secrets (drawn communities, cases, letters, boards, open text) are for these roles only:
# officials and community staff never see them, so that nobody can be coached or thanked.
MAY: dict[str, frozenset[str]] = {
    "accounts.manage": frozenset({ADMINISTRATOR}),
    "audit.view": frozenset({ADMINISTRATOR}),
    "regions.import": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "jobs.view": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR, ANALYST}),
    "console.view": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR, ANALYST, TEXT_REVIEWER}),
    "studies.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "questionnaires.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "indicators.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "sampling.view": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR, ANALYST}),
    "sampling.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "sampling.commit": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "sampling.draw": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "sampling.reveal": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "cases.view": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR}),
    "contacts.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "responses.view": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR, ANALYST}),
    "responses.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    # Reading what residents wrote in their own words, names and telephones included, and deciding what of it
    # may be quoted. Coding themes needs no more than what was cleared.
    "texts.review": frozenset({ADMINISTRATOR, STUDY_LEAD, TEXT_REVIEWER}),
    "texts.code": frozenset({ADMINISTRATOR, STUDY_LEAD, TEXT_REVIEWER, ANALYST}),
    "fieldwork.manage": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR}),
    "fieldwork.close": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR}),
    "fieldwork.visit": frozenset({INTERVIEWER}),
    "reports.compute": frozenset({ADMINISTRATOR, STUDY_LEAD, ANALYST}),
    # Answers one by one, without a name or a door: districts and age groups, or streets and years of age. The
    # finer file could point to a person in a small street: it takes an analyst who is a data steward as well.
    "microdata.view": frozenset({ADMINISTRATOR, STUDY_LEAD, ANALYST}),
    "microdata.fine": frozenset({DATA_STEWARD}),
    "reports.publish": frozenset({ADMINISTRATOR, STUDY_LEAD}),
    "reports.view": frozenset({ADMINISTRATOR, STUDY_LEAD, SUPERVISOR, ANALYST, OFFICIAL}),
    "wechat.manage": frozenset({ADMINISTRATOR, STUDY_LEAD}),
}


def may(user: User, action: str, region: Region | None = None) -> bool:
    """Whether `user` may do `action` in `region` (anywhere at all, when no region is named).

    Raises
    ------
    KeyError : the action is not in the table.
    """
    roles = MAY[action]
    if not user.is_authenticated or not user.is_active:
        return False
    paths = user.granted_paths(*roles)
    if region is None:
        return bool(paths)
    return any(region.path.startswith(path) for path in paths)


def require(user: User, action: str, region: Region | None = None) -> None:
    """Raise Problem common.forbidden unless `may`."""
    if not may(user, action, region):
        raise Problem("common.forbidden")
