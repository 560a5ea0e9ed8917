"""Asking households whether, and what, they were asked: drawn at random for each interviewer, seed kept."""

import secrets
from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.common.errors import Problem
from survey.fieldwork.backcheck_rule import ALGORITHM, in_order, wanted
from survey.fieldwork.models import BackCheck, BackCheckDraw, FlagSubject
from survey.fieldwork.rules import rules_of
from survey.responses.models import Response
from survey.studies.models import Round

NOTE_PURPOSE = "fieldwork.backcheck"
Outcome = BackCheck.Outcome


def draw_backchecks(*, round: Round, acting_user: User, seed: str = "") -> BackCheckDraw | None:
    """Draw as many interviews as the rule now asks for; None when it asks for no more.

    Everything is logged: the seed, the share, whom it fell on. Interviews that were drawn before stay drawn.

    Parameters
    ----------
    seed : 64 hexadecimal digits; made here unless a draw is repeated.
    """
    require(acting_user, "fieldwork.manage", round.study.region)
    rules, seed = rules_of(round), seed or secrets.token_hex(32)
    with transaction.atomic():
        Round.objects.select_for_update().get(pk=round.pk)
        chosen = _chosen(round, seed)
        if not chosen:
            return None
        last = round.backcheck_draws.order_by("-number").first()
        draw = BackCheckDraw.objects.create(
            round=round,
            number=last.number + 1 if last else 1,
            seed=seed,
            algorithm=ALGORITHM,
            share=rules.backcheck_share,
            minimum=rules.backcheck_min,
            drawn_at=now(),
            drawn_by=acting_user,
        )
        BackCheck.objects.bulk_create(
            BackCheck(draw=draw, response_id=response, interviewer_id=interviewer)
            for interviewer, responses in sorted(chosen.items())
            for response in responses
        )
        record(
            action="fieldwork.backchecks.drawn",
            acting_user=acting_user,
            target=draw,
            region_code=round.study.region.code,
            detail={
                "number": draw.number,
                "seed": seed,
                "algorithm": ALGORITHM,
                "interviewers": {str(who): len(rows) for who, rows in sorted(chosen.items())},
            },
        )
    return draw


def _chosen(round_: Round, seed: str) -> dict[int, list[str]]:
    """{interviewer: response ids to draw now}."""
    rules = rules_of(round_)
    own: dict[int, list[str]] = defaultdict(list)
    rows = Response.objects.counted().filter(round=round_, interviewer__isnull=False, case__isnull=False)
    for response, who in rows.order_by().values_list("pk", "interviewer"):
        own[who].append(str(response))
    known = {row["interviewer"]: row for row in _states(round_)}
    drawn = {
        str(pk) for pk in BackCheck.objects.filter(draw__round=round_).values_list("response", flat=True)
    }
    suspects = set(
        FlagSubject.objects.filter(round=round_, interviewer__isnull=False, flag__evidence__suspect=True)
        .exclude(flag__verdict="explained")
        .values_list("interviewer", flat=True)
    )
    chosen = {}
    for who, responses in own.items():
        state = known.get(who, {"reached": 0, "refuted": 0, "pending": 0})
        goal = wanted(
            len(responses),
            share=rules.backcheck_share,
            minimum=rules.backcheck_min,
            refuted=state["refuted"],
            suspect=who in suspects,
        )
        more = goal - state["reached"] - state["pending"]
        free = [one for one in in_order(seed, responses) if one not in drawn]
        if more > 0 and free:
            chosen[who] = free[:more]
    return chosen


def _states(round_: Round) -> Any:
    """Per interviewer: reached (with a result), refuted, pending."""
    reached = Q(outcome__in=[Outcome.CONFIRMED, Outcome.MISMATCH])
    return (
        BackCheck.objects.filter(draw__round=round_)
        .order_by()
        .values("interviewer")
        .annotate(
            reached=Count("pk", filter=reached),
            refuted=Count("pk", filter=Q(outcome=Outcome.MISMATCH)),
            pending=Count("pk", filter=Q(outcome="")),
        )
    )


def enter_backcheck(
    *,
    check: BackCheck,
    mode: str,
    reached: bool,
    acting_user: User,
    was_asked: bool = False,
    right_person: bool = False,
    all_asked: bool = False,
    compared: int = 0,
    agreed: int = 0,
    note: str = "",
) -> BackCheck:
    """Enter what a household said. It disagrees when nobody, somebody else, or not everything was asked.

    Parameters
    ----------
    compared, agreed : items asked once more, and how many of them were answered as before; they make the
        match rate and accuse nobody: people change their minds.

    Raises
    ------
    Problem common.invalid : no mode, or more items agreed than compared.
    Problem common.locked : a result was entered before.
    """
    require(acting_user, "fieldwork.manage", check.response.region)
    if mode not in BackCheck.Mode.values:
        raise Problem("common.invalid", reason=_("请选电话还是上门"))
    if not 0 <= agreed <= compared:
        raise Problem("common.invalid", reason=_("答得一样的题数，不能多过重问的题数"))
    outcome = Outcome.UNREACHED
    if reached:
        outcome = Outcome.CONFIRMED if was_asked and right_person and all_asked else Outcome.MISMATCH
    findings = {
        "was_asked": was_asked,
        "right_person": right_person,
        "all_asked": all_asked,
        "compared": compared,
        "agreed": agreed,
    }
    findings = findings if reached else {}
    with transaction.atomic():
        locked = BackCheck.objects.select_for_update().get(pk=check.pk)
        if locked.outcome:
            raise Problem("common.locked", what=_("这一户的回访结果"))
        locked.mode, locked.outcome, locked.findings = mode, outcome, findings
        locked.note_cipher = encrypt(note.strip()[:500], NOTE_PURPOSE) if note.strip() else None
        locked.done_at, locked.done_by = now(), acting_user
        locked.save()
        record(
            action="fieldwork.backcheck.entered",
            acting_user=acting_user,
            target=locked,
            region_code=locked.response.region.code,
            detail={"mode": mode, "outcome": outcome, **findings},
        )
    return locked
