"""One round with everything that somebody might want to see: letters, answers, a run, a report, a job."""

import csv
import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from survey.accounts.models import User
from survey.audit.services import COMMAND
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.contacts.models import LetterBatch, SelectedPerson
from survey.contacts.services import prepare_letters
from survey.fieldwork.models import Assignment
from survey.indicators.services import load_default_indicators
from survey.jobs.models import Job
from survey.questionnaires.services import import_xlsform, publish_version
from survey.regions.models import PopulationMargin, Region
from survey.reports.models import Report, Run
from survey.reports.services import create_run, publish_report
from survey.responses.models import OpenText, Response
from survey.responses.services import gather_open_texts
from survey.sampling.models import Case, Draw
from survey.studies.models import Round
from survey.wechat.models import WeChatAccount
from survey.wechat.setup import begin_account
from tests import factories

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
CENSUS = ROOT / "survey" / "demo" / "data" / "census_jinan_2020.csv"
DISTRICT = "370105000000"
OPEN_TEXT = "楼下那盏路灯坏了三个月"
INTERVIEWER = "赵访员铁柱"


@dataclass
class World:
    """The rows, and what an official must never read."""

    round: Round
    draw: Draw
    batch: LetterBatch
    case: Case
    answered: Case
    response: Response
    text: OpenText
    run: Run
    report: Report
    draft_run: Run
    job: Job
    account: WeChatAccount
    people: dict[str, User]

    def secrets(self) -> dict[str, str]:
        """What names a drawn community, a household, a letter, a board or an open answer."""
        found = {"open text": OPEN_TEXT, "interviewer": INTERVIEWER, "seed": self.draw.seed}
        for psu in self.draw.psus.select_related("psu"):
            found[f"drawn community {psu.psu.code}"] = psu.psu.name
            found[f"code of drawn community {psu.psu.code}"] = psu.psu.code
        for case in Case.objects.filter(draw=self.draw):
            found[f"opaque id {case.number}"] = str(case.opaque_id)
            found[f"case number {case.number}"] = case.number
            found[f"person seed {case.number}"] = case.selection_seed
        found["address"] = "号楼"
        found["response id"] = str(self.response.pk)
        return found


def _census() -> None:
    regions = {region.code: region for region in Region.objects.all()}
    with CENSUS.open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["region_code"] in regions]
    PopulationMargin.objects.bulk_create(
        PopulationMargin(
            region=regions[row["region_code"]],
            source_year=2020,
            variable=row["variable"],
            category=row["category"],
            value=float(row["value"]),
            unit=row["unit"],
            source=row["source"],
        )
        for row in rows
    )


def _answer(case: Case, version: object, n: int) -> Response:
    person = SelectedPerson.objects.create(
        case=case, method="uniform", n_eligible=2, chosen_index=1, probability=0.5, selected_at=now()
    )
    case.status = Case.Status.COMPLETED
    case.save(update_fields=["status"])
    return Response.objects.create(
        client_id=uuid.uuid4(),
        content_hash="0" * 64,
        round=case.round,
        case=case,
        region=case.community,
        sample_kind="probability",
        mode="web",
        questionnaire_version=version,
        language="zh-hans",
        answers={"D01": 1 + n % 2, "S02": 25 + 4 * n, "Q01": 1 + n % 5},
        open_text_cipher=encrypt(json.dumps({"O01": OPEN_TEXT}), "responses.open_text"),
        selected_person=person,
        person_probability=0.5,
        submitted_at=now(),
        received_at=now(),
    )


def make_world(regions: dict[str, Region]) -> World:
    """Build it. `settings.MEDIA_ROOT` must be a folder that may be written to."""
    city, district = regions["370100000000"], regions[DISTRICT]
    people = {
        role: factories.make_user(
            f"u-{role}", role, city, display_name=INTERVIEWER if role == "interviewer" else ""
        )
        for role in ("administrator", "study_lead", "supervisor", "interviewer", "analyst", "text_reviewer")
    }
    people["official"] = factories.make_user("u-official", "official", district)
    people["city_official"] = factories.make_user("u-city", "official", city)
    people["street_official"] = factories.make_user("u-street", "official", regions["370105001000"])
    _census()
    version = publish_version(version=import_xlsform(path=CORE, acting_user=COMMAND), acting_user=COMMAND)
    round_ = factories.make_drawn_round(
        district, state=Round.State.OPEN, questionnaire_version=version, opened_at=now()
    )
    round_.indicator_versions.set(load_default_indicators(acting_user=COMMAND))
    draw = Draw.objects.get(design__round=round_)
    cases = list(round_.cases.order_by("number"))
    batch = prepare_letters(round=round_, acting_user=people["study_lead"], case_ids=[cases[0].pk])
    responses = [_answer(case, version, n) for n, case in enumerate(cases[2:])]
    Assignment.objects.create(case=cases[0], interviewer=people["interviewer"], assigned_at=now())
    gather_open_texts(round=round_, acting_user=people["study_lead"])
    run = create_run(round=round_, acting_user=people["study_lead"], volunteers=True)
    report = publish_report(run=run, title="天桥区居民满意度报告", acting_user=people["study_lead"])
    return World(
        round=round_,
        draw=draw,
        batch=batch,
        case=cases[0],
        answered=cases[2],
        response=responses[0],
        text=responses[0].open_texts.get(),
        run=run,
        report=report,
        draft_run=create_run(round=round_, acting_user=people["study_lead"]),
        job=Job.objects.create(
            kind="reports.run", params={"round": round_.pk}, created_by=people["study_lead"]
        ),
        account=begin_account(
            name="济南民意",
            app_id="wx0123456789abcdef",
            app_secret="0123456789abcdef0123456789abcdef",
            studies=[round_.study],
            acting_user=people["study_lead"],
        ),
        people=people,
    )
