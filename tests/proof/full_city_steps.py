"""The steps of `full_city`, each run in a process of its own: python -m tests.proof.full_city_steps STEP.

Everything goes through the services of a real study but the answers themselves, which are stored in bulk: the
way in over HTTP has proofs of its own. Prints one JSON line: seconds, peak of resident memory, facts.
"""

import contextlib
import json
import os
import re
import resource
import sys
import time
import uuid
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

from survey.accounts.models import Grant, User  # noqa: E402
from survey.audit.services import COMMAND  # noqa: E402
from survey.common.canonical import sha256_of  # noqa: E402
from survey.common.clock import now, today  # noqa: E402
from survey.contacts.models import Contact, SelectedPerson  # noqa: E402
from survey.demo import texts  # noqa: E402
from survey.demo.behaviour import NOBODY_HOME, refusal  # noqa: E402
from survey.demo.city import EARLIER, SEED, Answers, adults_of, scaled_adults, write_household_list  # noqa: E402
from survey.demo.people import CITY, PASSWORD, make_people  # noqa: E402
from survey.demo.setup import CORE_FORM, DATA  # noqa: E402
from survey.demo.superpopulation import City, Community, build_city  # noqa: E402
from survey.fieldwork.door import BY_KEY  # noqa: E402
from survey.indicators.services import load_default_indicators  # noqa: E402
from survey.jobs.models import Job  # noqa: E402
from survey.jobs.services import run_job  # noqa: E402
from survey.questionnaires.models import QuestionnaireVersion  # noqa: E402
from survey.questionnaires.services import import_xlsform, publish_version  # noqa: E402
from survey.regions.models import PopulationMargin, Region  # noqa: E402
from survey.regions.services import import_census, import_regions  # noqa: E402
from survey.reports.models import Report, Run  # noqa: E402
from survey.reports.services import publish_report  # noqa: E402
from survey.reports.tasks import start_run  # noqa: E402
from survey.responses.models import Response  # noqa: E402
from survey.sampling.models import Case, Draw, FrameVersion  # noqa: E402
from survey.sampling.services import (  # noqa: E402
    commit_draw,
    create_design,
    draw_sample,
    import_households,
    reveal_draw,
)
from survey.studies.models import Round, Study  # noqa: E402
from survey.studies.services import (  # noqa: E402
    close_round,
    create_round,
    create_study,
    open_round,
    pin_round,
    publish_consent_text,
)

HOUSEHOLDS = int(os.environ.get("MINYI_PROOF_HOUSEHOLDS", "400000"))
RESPONSES = int(os.environ.get("MINYI_PROOF_RESPONSES", "60000"))
TAKE = 36
RATE = 0.6  # of the drawn households, as the model city behaves
N_PSUS = round(RESPONSES / RATE / TAKE)
BEACON = "演示随机数 2026 全市"
OPEN_ITEM = "O01"  # open answers are encrypted on their way in, which bulk storing leaves out
BATCH = 2_000
OFFICIAL, OFFICIAL_STREET = "jie", "370105014000"


def regions() -> dict[str, Any]:
    """Jinan's tree and census, the team, an official of one street, one of a district, one of the city."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    import_regions(path=DATA / "jinan_regions.csv", acting_user=COMMAND)
    import_census(path=DATA / "census_jinan_2020.csv", acting_user=COMMAND)
    make_people()
    for name, code in ((OFFICIAL, OFFICIAL_STREET), ("qu", "370105000000"), ("shi", CITY)):
        user = User.objects.create_user(name, password=PASSWORD, display_name=f"{name} 主任")
        Grant.objects.create(user=user, role="official", region=Region.objects.get(code=code))
    return {
        level: Region.objects.filter(level=level).count() for level in ("district", "street", "community")
    }


def frame() -> dict[str, Any]:
    """The list of households, line by line encrypted, with its hash trees."""
    lead = User.objects.get(username="li")
    path = Path(settings.VAR_DIR) / "households.csv"
    write_household_list(_city(), path)
    made = import_households(
        path=path,
        name="模拟住户名单",
        region=Region.objects.get(code=CITY),
        acting_user=lead,
        is_simulated=True,
    )
    return {"households": made.n_households, "communities": made.n_communities}


def study() -> dict[str, Any]:
    """The questionnaire, its indicators, the study."""
    lead = User.objects.get(username="li")
    version = import_xlsform(path=CORE_FORM, acting_user=lead, source_name=CORE_FORM.name)
    publish_version(version=version, acting_user=lead)
    indicators = load_default_indicators(acting_user=lead)
    made = create_study(
        title=texts.TITLE,
        region=Region.objects.get(code=CITY),
        scope=[],
        sponsor=texts.SPONSOR,
        purpose=texts.PURPOSE,
        contact_phone=texts.PHONE,
        population="济南市家庭户中年满 18 岁的常住居民",
        acting_user=lead,
    )
    publish_consent_text(study=made, texts=texts.CONSENT, acting_user=lead)
    return {"indicators": len(indicators)}


def draw(number: int) -> dict[str, Any]:
    """A round, its design, its draw; it opens."""
    lead, only = User.objects.get(username="li"), Study.objects.get()
    start = today() - timedelta(days=182 if number == 1 else 0)
    round_ = create_round(
        study=only,
        name=("2026 年上半年", "2026 年下半年")[number - 1],
        acting_user=lead,
        is_simulated=True,
        opens_on=start,
        closes_on=start + timedelta(days=60),
        retention_until=today() + timedelta(days=240),
    )
    pin_round(
        round=round_,
        questionnaire_version=QuestionnaireVersion.objects.get(),
        indicator_versions=load_default_indicators(acting_user=lead),
        consent_text=only.consent_texts.get(),
        modes=["web", "door"],
        acting_user=lead,
    )
    spec = {
        "algorithm": "two-stage-pps-1",
        "stages": [
            {"unit": "psu", "method": "pps_systematic"},
            {"unit": "household", "method": "srs", "take": TAKE},
        ],
        "n_psus": N_PSUS,
        "min_psus_per_stratum": 3,
        "reserve_replicates": 1,
    }
    design = create_design(round=round_, frame=FrameVersion.objects.get(), spec=spec, acting_user=lead)
    drawn = commit_draw(
        design=design,
        beacon_kind=Draw.BeaconKind.DEMO,
        beacon_name=BEACON,
        beacon_at=now(),
        reveal_by=today() + timedelta(days=90),
        acting_user=lead,
    )
    draw_sample(draw=drawn, beacon_value=f"{BEACON} {number}", acting_user=lead)
    open_round(round=round_, acting_user=lead)
    cases = Case.objects.released().filter(round=round_)
    return {"cases": cases.count(), "communities": cases.values("community").distinct().count()}


def answer(number: int) -> dict[str, Any]:
    """Phones and doors answer; the round is closed and its draw revealed."""
    lead, round_ = User.objects.get(username="li"), Round.objects.get(number=number)
    city = _city(EARLIER if number == 1 else None)
    answers = Answers(city, round_.questionnaire_version.document)
    rng = np.random.default_rng(100 + number)
    batch: dict[type, list[Any]] = {SelectedPerson: [], Contact: [], Response: []}
    with transaction.atomic():
        for case in _cases(round_):
            _one(round_, case, city, answers, rng, batch)
            if len(batch[SelectedPerson]) >= BATCH:
                _store(batch)
        _store(batch)
    close_round(round=round_, acting_user=lead)
    if number == 1:
        Response.objects.filter(round=round_).update(
            submitted_at=now() - timedelta(days=182), received_at=now() - timedelta(days=182)
        )
    return {"responses": Response.objects.filter(round=round_).count()}


def reveal(number: int) -> dict[str, Any]:
    """The certificate with every household of the sample."""
    round_ = Round.objects.get(number=number)
    reveal_draw(draw=Draw.objects.get(design__round=round_), acting_user=User.objects.get(username="li"))
    return {}


def report(number: int) -> dict[str, Any]:
    """The job that the console starts, as a worker runs it; then the report is published."""
    lead, round_ = User.objects.get(username="li"), Round.objects.get(number=number)
    job = start_run(round=round_, acting_user=lead)
    run_job(str(job.pk))
    job.refresh_from_db()
    if job.state != Job.State.DONE:
        raise RuntimeError(f"{job.state}: {job.error}")
    run = Run.objects.get(pk=job.pk)
    publish_report(run=run, title=texts.TITLE, acting_user=lead)
    document = json.dumps(run.document, ensure_ascii=False)
    masked = {name: len(mask) for name, mask in run.document["masks"].items()}
    return {
        "document_mb": round(len(document.encode()) / 1e6, 1),
        "errors": run.document["errors"]["method"],
        "tests": run.document["claims"]["tests"],
        "claims": len(run.document["claims"]["list"]),
        "masked": sum(masked.values()),
        "number": Report.objects.filter(round=round_, state="published").get().number,
    }


def _cases(round_: Round) -> Iterator[Case]:
    cases = Case.objects.released().filter(round=round_).select_related("frame_unit", "community")
    return cases.order_by("pk").iterator(chunk_size=BATCH)


def _one(
    round_: Round, case: Case, city: City, answers: Answers, rng: np.random.Generator, batch: dict[type, list]
) -> None:
    """A phone answers, or a door does, or nobody."""
    adults = adults_of(city, int(case.frame_unit.household_number))
    adult = int(rng.choice(adults))
    if rng.random() < city.web_propensity[adult]:
        person = _selected(case, len(adults), "next_birthday")
        batch[SelectedPerson].append(person)
        batch[Response].append(_response(round_, case, person, answers.of_adult(adult, rng), "web"))
        return
    if rng.random() < NOBODY_HOME:
        batch[Contact].append(_contact(case, "no_answer"))
        return
    person = _selected(case, len(adults), "uniform")
    batch[SelectedPerson].append(person)
    if rng.random() >= city.door_propensity[adult]:
        batch[Contact].append(_contact(case, refusal(rng)))
        return
    given = answers.of_adult(adult, rng) | {"M01": 1, "M02": 1}
    batch[Response].append(_response(round_, case, person, given, "door"))


def _selected(case: Case, n_eligible: int, method: str) -> SelectedPerson:
    return SelectedPerson(
        case=case,
        method=method,
        n_eligible=n_eligible,
        probability=1 / n_eligible,
        is_quasi_random=method == "next_birthday",
        selected_at=now(),
    )


def _contact(case: Case, result: str) -> Contact:
    return Contact(case=case, mode="door", at=now(), disposition=BY_KEY[result].disposition)


def _response(
    round_: Round, case: Case, person: SelectedPerson, given: dict[str, Any], mode: str
) -> Response:
    given.pop(OPEN_ITEM, None)
    return Response(
        client_id=uuid.uuid4(),
        content_hash=sha256_of(given),
        round=round_,
        case=case,
        region=case.community,
        sample_kind="probability",
        mode=mode,
        questionnaire_version=round_.questionnaire_version,
        language="zh-hans",
        answers=given,
        selected_person=person,
        person_probability=person.probability,
        submitted_at=now(),
        received_at=now(),
    )


def _store(batch: dict[type, list]) -> None:
    for model, rows in batch.items():
        model.objects.bulk_create(rows, batch_size=500)
        rows.clear()


def _city(shift: dict[str, float] | None = None) -> City:
    """All 13 districts with their real communities, scaled down to `HOUSEHOLDS`."""
    communities = [
        Community(r.code, r.parent.code, r.path[:6] + "000000")
        for r in Region.objects.filter(level="community").select_related("parent").order_by("code")
    ]
    census: dict[str, dict[str, dict[str, float]]] = {}
    districts = sorted({c.district for c in communities})
    for margin in PopulationMargin.objects.filter(region__code__in=districts).select_related("region"):
        rows = census.setdefault(margin.region.code, {}).setdefault(margin.variable, {})
        rows[margin.category] = margin.value
    families = {d: census[d]["households"]["family_households"] for d in districts}
    scale = HOUSEHOLDS / sum(families.values())
    households = {d: round(n * scale) for d, n in families.items()}
    adults = {d: scaled_adults(census[d], scale) for d in districts}
    return build_city(communities, households, adults, SEED, shift)


def pages() -> dict[str, Any]:
    """What officials open, by the server's own time; the first address warms the process up."""
    number = Report.objects.filter(state="published").order_by("round__number").last().number
    district = OFFICIAL_STREET[:6].ljust(12, "0")
    addresses = [
        (OFFICIAL, "/reports/", "home of the street's official, cold"),
        (OFFICIAL, "/reports/", "home of the street's official"),
        (OFFICIAL, f"/reports/{number}/{OFFICIAL_STREET}/", "the street"),
        (OFFICIAL, f"/reports/{number}/", "the city, by the street's official"),
        ("qu", f"/reports/{number}/{district}/", "a district, by its official"),
        ("shi", f"/reports/{number}/", "the city, by its official"),
        ("shi", f"/reports/{number}/{OFFICIAL_STREET}/", "a street, by the city's official"),
        ("li", f"/reports/{number}/", "the city, by the team"),
        (OFFICIAL, f"/reports/{number}-briefs.pdf", "the street's brief"),
        ("shi", f"/reports/{number}-briefs.pdf", "the briefs of all streets"),
        (OFFICIAL, f"/reports/{number}.pdf", "PDF, by the street's official"),
        ("shi", f"/reports/{number}.pdf", "PDF, by the city's official"),
        ("shi", f"/reports/{number}.docx", "Word"),
        ("shi", f"/reports/{number}.xlsx", "Excel"),
        ("shi", f"/reports/{number}.csv", "CSV"),
    ]
    rows, clients = [], {}
    for reader, address, what in addresses:
        if reader not in clients:
            clients[reader] = Client()
            clients[reader].force_login(User.objects.get(username=reader))
        begun, worked = time.monotonic(), time.process_time()
        answer_ = clients[reader].get(address)
        if answer_.status_code != 200:
            raise RuntimeError(f"{address}: {answer_.status_code}")
        row = {"what": what, "seconds": time.monotonic() - begun, "cpu": time.process_time() - worked}
        row["kb"] = len(answer_.content) / 1e3
        if address.endswith(".pdf"):
            row["pages"] = pdf_pages(answer_.content)
        rows.append(row)
        folder = os.environ.get("MINYI_PROOF_KEEP")
        if folder and "." in address:
            (Path(folder) / f"{reader}-{Path(address).name}").write_bytes(answer_.content)
    return {"pages": rows}


def pdf_pages(content: bytes) -> int:
    """Pages of a PDF, whose page tree may lie in a compressed stream."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.S):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompress(stream))
    counts = [n for part in parts for n in re.findall(rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d+)", part)]
    return max(map(int, counts), default=0)


STEPS = {
    "regions": regions,
    "frame": frame,
    "study": study,
    "draw-1": lambda: draw(1),
    "answers-1": lambda: answer(1),
    "reveal-1": lambda: reveal(1),
    "report-1": lambda: report(1),
    "draw-2": lambda: draw(2),
    "answers-2": lambda: answer(2),
    "reveal-2": lambda: reveal(2),
    "report-2": lambda: report(2),
    "pages": pages,
}


def main(step: str) -> None:
    """Run one step and say what it took."""
    begun = time.monotonic()
    facts = STEPS[step]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took = {"seconds": time.monotonic() - begun, "cpu": time.process_time()}
    print(json.dumps({"step": step, **took, "peak_mb": peak, **facts}))


if __name__ == "__main__":
    main(sys.argv[1])
