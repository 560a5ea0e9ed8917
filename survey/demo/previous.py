"""The round before: the same city half a year ago, drawn, answered, closed, revealed and published.

Its people answer through the same services as everybody, without the network in between: the demo's own field
goes over HTTP, and one such field is enough to wait for.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.db.models import F

from survey.accounts.models import User
from survey.audit.services import RESIDENT
from survey.common.clock import now, today
from survey.contacts.models import Contact
from survey.contacts.services import roster_members
from survey.demo import texts
from survey.demo.behaviour import NOBODY_HOME, answering_seconds, refusal
from survey.demo.city import EARLIER, Answers, adults_of, build_model_city
from survey.demo.design import SPEC, TAKE
from survey.demo.indicators import enter_inspections
from survey.demo.superpopulation import MALE, City
from survey.demo.truth import true_values
from survey.fieldwork import services as fieldwork
from survey.fieldwork.door import BY_KEY
from survey.indicators.models import IndicatorVersion
from survey.questionnaires.document import MISSING_CODES
from survey.questionnaires.models import QuestionnaireVersion
from survey.reports.models import SimulatedTruth
from survey.reports.services import create_run, publish_report
from survey.responses import services as responses
from survey.responses.models import Response
from survey.sampling.models import Case, Draw, FrameVersion
from survey.sampling.services import commit_draw, create_design, draw_sample, reveal_draw
from survey.studies.models import ConsentText, Round, Study
from survey.studies.services import close_round, create_round, open_round, pin_round

NAME = "2026 年上半年"
AGO = timedelta(days=182)
SEED = 11
BEACON = "演示随机数 2026 上半年"
REVEAL_AFTER_DAYS = 90


@dataclass(frozen=True)
class Earlier:
    """What the round takes over from the study."""

    study: Study
    frame: FrameVersion
    version: QuestionnaireVersion
    indicators: Sequence[IndicatorVersion]
    consent: ConsentText
    people: dict[str, User]


def build_previous(earlier: Earlier) -> Round:
    """Make the round from its draw to its published report."""
    lead = earlier.people["li"]
    round_ = _drawn(earlier, lead)
    city = build_model_city(shift=EARLIER)
    answers = Answers(city, earlier.version.document)
    missing = [str(code) for code in MISSING_CODES.values()]
    enter_inspections(round_, lead, seed=SEED)
    SimulatedTruth.objects.create(round=round_, values=true_values(answers, earlier.indicators, missing))
    # One transaction: thousands of answers, one wait for the disk.
    with transaction.atomic():
        _answer(round_, city, answers, earlier.people)
    close_round(round=round_, acting_user=lead)
    _put_back(round_)
    reveal_draw(draw=Draw.objects.get(design__round=round_), acting_user=lead)
    run = create_run(round=round_, acting_user=lead)
    publish_report(run=run, title=texts.TITLE, acting_user=lead)
    return round_


def _drawn(earlier: Earlier, lead: User) -> Round:
    start = today() - AGO
    round_ = create_round(
        study=earlier.study,
        name=NAME,
        acting_user=lead,
        is_simulated=True,
        opens_on=start,
        closes_on=start + timedelta(days=60),
        retention_until=today() + timedelta(days=60),
    )
    pin_round(
        round=round_,
        questionnaire_version=earlier.version,
        indicator_versions=earlier.indicators,
        consent_text=earlier.consent,
        modes=["web", "door"],
        acting_user=lead,
    )
    design = create_design(round=round_, frame=earlier.frame, spec=SPEC, acting_user=lead)
    draw = commit_draw(
        design=design,
        beacon_kind=Draw.BeaconKind.DEMO,
        beacon_name=BEACON,
        beacon_at=now(),
        reveal_by=today() + timedelta(days=REVEAL_AFTER_DAYS),
        acting_user=lead,
    )
    draw_sample(draw=draw, beacon_value=BEACON, acting_user=lead)
    open_round(round=round_, acting_user=lead)
    round_.refresh_from_db()
    return round_


def _answer(round_: Round, city: City, answers: Answers, people: dict[str, User]) -> None:
    """Who has a phone and the patience answers; then the silent doors are handed out and knocked at."""
    rng = np.random.default_rng(SEED)
    cases = Case.objects.filter(round=round_, replicate__released_at__isnull=False)
    # Odd names work in 天桥区 (370105), even ones in 槐荫区: see people.CAST.
    teams = {
        is_odd: [
            u for name, u in people.items() if name.startswith("zhao") and (int(name[-1]) % 2 == 1) == is_odd
        ]
        for is_odd in (True, False)
    }
    silent: dict[User, list[Case]] = {}
    for number, case in enumerate(cases.select_related("frame_unit", "community", "round").order_by("pk")):
        adults = adults_of(city, int(case.frame_unit.household_number))
        adult = int(rng.choice(adults))
        if rng.random() < city.web_propensity[adult]:
            _answer_web(case, len(adults), adult, city, answers, rng)
            continue
        team = teams[case.community.path.startswith("370105")]
        silent.setdefault(team[number // TAKE % len(team)], []).append(case)
    for interviewer, doors in silent.items():
        fieldwork.assign_cases(cases=doors, interviewer=interviewer, acting_user=people["sun"])
        for case in doors:
            _knock(case, interviewer, city, answers, rng)


def _paradata(seconds: int) -> dict[str, str]:
    return {"started_at": (now() - timedelta(seconds=seconds)).isoformat()}


def _answer_web(
    case: Case, n_adults: int, adult: int, city: City, answers: Answers, rng: np.random.Generator
) -> None:
    secret = rng.bytes(32).hex()
    respondent = responses.enter(case=case, channel="browser", device_secret=secret)
    consent = responses.give_consent(respondent=respondent, language="zh-hans", mode="web")
    person = responses.choose_by_birthday(respondent=respondent, n_eligible=n_adults)
    given = answers.of_adult(adult, rng)
    version = case.round.questionnaire_version
    responses.accept_response(
        client_id=uuid.UUID(bytes=rng.bytes(16), version=4),
        respondent=respondent,
        case=case,
        consent=consent,
        answers=given,
        language="zh-hans",
        mode=Response.Mode.WEB,
        paradata=_paradata(answering_seconds(city.age[adult], rng)),
        submitted_at=now(),
        selected_person=person,
        acting_user=RESIDENT,
        raw_hash=responses.content_hash(
            answers=given, language="zh-hans", document_hash=version.document_hash
        ),
    )


def _knock(case: Case, interviewer: User, city: City, answers: Answers, rng: np.random.Generator) -> None:
    def visit(result: str) -> None:
        fieldwork.record_visit(
            case=case,
            at=now(),
            disposition=BY_KEY[result].disposition,
            present=[],
            note="",
            acting_user=interviewer,
            result=result,
        )

    if rng.random() < NOBODY_HOME:
        visit("no_answer")
        return
    members = [
        {"label": f"家人 {a}", "sex": "male" if city.sex[a] == MALE else "female", "age": int(city.age[a])}
        for a in adults_of(city, int(case.frame_unit.household_number))
    ]
    roster, person = fieldwork.list_and_choose(case=case, members=members, acting_user=interviewer)
    chosen = int(roster_members(roster)[person.chosen_index - 1].label.removeprefix("家人 "))
    if rng.random() >= city.door_propensity[chosen]:
        visit(refusal(rng))
        return
    fieldwork.give_door_consent(case=case, language="zh-hans", acting_user=interviewer)
    fieldwork.submit_interview(
        case=case,
        client_id=uuid.UUID(bytes=rng.bytes(16), version=4),
        answers=answers.of_adult(chosen, rng) | {"M01": 1, "M02": 1},
        language="zh-hans",
        document_hash=case.round.questionnaire_version.document_hash,
        paradata=_paradata(answering_seconds(city.age[chosen], rng)),
        submitted_at=now(),
        present=[],
        acting_user=interviewer,
    )


def _put_back(round_: Round) -> None:
    """Answers, visits and the field's days lie half a year back; the audit trail keeps when they came."""
    Response.objects.filter(round=round_).update(
        submitted_at=F("submitted_at") - AGO, received_at=F("received_at") - AGO
    )
    Contact.objects.filter(case__round=round_).update(at=F("at") - AGO)
    Round.objects.filter(pk=round_.pk).update(opened_at=F("opened_at") - AGO, closed_at=F("closed_at") - AGO)
    round_.refresh_from_db()
