"""A run: weights and estimates against numbers worked out by hand here, identities, hashes, refusals."""

import math

import numpy as np
import pytest
from scipy import stats

from survey.audit.models import AuditEntry
from survey.common.canonical import canonical_json
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.models import Contact
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.regions.models import PopulationMargin
from survey.reports.inputs import read_inputs
from survey.reports.models import ResponseWeight, Run, SimulatedTruth
from survey.reports.services import create_run, freeze_recipe
from survey.reports.tasks import start_run
from survey.reports.weighting import default_spec
from survey.responses.models import Response
from tests import factories
from tests.survey.reports.conftest import answers_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# Each five-year cell of `make_margins`: 1,000 persons × 0.8 in family households; bands of five years each:
# 18–29 has 2/5 + 2 of them, 30–44 three, 45–59 three, 60–74 three, 75+ three (75–79, 80–84, 85+).
CELL = 800.0
ADULTS = 2 * CELL * (2.4 + 12)


def weights_by_hand(run):
    """Every step again, without `survey.stats` and `analysis`, for rows read from the database."""
    cases = list(run.round.cases.select_related("community").order_by("opaque_id"))
    answered = {str(r.case_id): r for r in Response.objects.filter(round=run.round)}
    base = np.array([1 / (c.stage1_probability * c.stage2_probability) for c in cases])
    street = np.array([c.community.path[:9] for c in cases])
    done = np.array([str(c.opaque_id) in answered for c in cases])
    weight = np.zeros(len(cases))
    for name in set(street):
        mine = street == name
        # Nobody else was reached, so the unknown hand everything to the respondents of their street.
        factor = base[mine].sum() / base[mine & done].sum()
        weight[mine & done] = base[mine & done] * factor
    weight = weight * np.where(done, 2.0, 0.0)
    return cases, answered, done, weight


def test_the_passport_s_factors_multiply_to_the_weight(run):
    for row in ResponseWeight.objects.filter(run=run):
        assert math.prod(f["factor"] for f in row.factors) == pytest.approx(row.weight, rel=1e-12)
        assert row.factors[0]["step"] == "base"


def test_weights_add_up_to_the_adults_in_family_households(run):
    total = sum(ResponseWeight.objects.filter(run=run).values_list("weight", flat=True))
    assert total == pytest.approx(ADULTS, rel=1e-12)
    assert run.document["weights"]["sum"] == pytest.approx(ADULTS)


def test_weights_of_each_cell_meet_its_census_count(run):
    post = run.document["weights"]["spec"]["poststratification"]
    weights = {str(w.response_id): w.weight for w in ResponseWeight.objects.filter(run=run)}
    expected = {0: 2.4 * CELL, 1: 3 * CELL, 2: 3 * CELL, 3: 3 * CELL, 4: 3 * CELL}
    for cell in run.document["weights"]["cells"]:
        sexes = {"male": 1, "female": 2}
        inside = 0.0
        for response in Response.objects.filter(round=run.round):
            age = response.answers["S02"]
            bands = [post["bands"][b] for b in cell["bands"]]
            fits = any(low <= age and (high is None or age <= high) for low, high in bands)
            if fits and response.answers["D01"] in [sexes[s] for s in cell["sex"].split("+")]:
                inside += weights[str(response.pk)]
        people = sum(expected[b] for b in cell["bands"]) * len(cell["sex"].split("+"))
        assert cell["population"] == pytest.approx(people)
        assert inside == pytest.approx(people)


def test_score_and_error_agree_with_a_computation_by_hand(measured, lead):
    """Weighted mean, and the Taylor error with residuals from the post-strata, PSU by PSU."""
    spec = default_spec(measured)
    spec["variance"]["method"] = "taylor"
    recipe = freeze_recipe(round=measured, acting_user=lead, spec=spec)
    run = create_run(round=measured, acting_user=lead, recipe=recipe)
    cases, answered, done, weight = weights_by_hand(run)
    cells = run.document["weights"]["cells"]
    bands = run.document["weights"]["spec"]["poststratification"]["bands"]
    label = np.full(len(cases), -1)
    for i, case in enumerate(cases):
        if not done[i]:
            continue
        response = answered[str(case.opaque_id)]
        sex = "male" if response.answers["D01"] == 1 else "female"
        band = next(
            b for b, (low, high) in enumerate(bands) if low <= response.answers["S02"] <= (high or 200)
        )
        label[i] = next(k for k, c in enumerate(cells) if sex in c["sex"].split("+") and band in c["bands"])
    final = weight.copy()
    for k, cell in enumerate(cells):
        final[label == k] *= cell["population"] / weight[label == k].sum()
    y = np.full(len(cases), np.nan)
    for i, case in enumerate(cases):
        if done[i] and answered[str(case.opaque_id)].answers["Q20"] > 0:
            y[i] = (answered[str(case.opaque_id)].answers["Q20"] - 1) * 25
    valid = ~np.isnan(y)
    mean = (final[valid] * y[valid]).sum() / final[valid].sum()
    linear = np.where(valid, (np.nan_to_num(y) - mean) / final[valid].sum(), 0.0)
    for k in range(len(cells)):
        inside = label == k
        linear[inside] -= (final[inside] * linear[inside]).sum() / final[inside].sum()
    z = {}
    for i, case in enumerate(cases):
        key = (case.variance_stratum, case.variance_psu)
        z[key] = z.get(key, 0.0) + final[i] * linear[i]
    variance = 0.0
    for stratum in {s for s, _ in z}:
        totals = np.array([v for (s, _), v in z.items() if s == stratum])
        variance += len(totals) / (len(totals) - 1) * ((totals - totals.mean()) ** 2).sum()
    cell = run.document["estimates"]["score"]["all"]
    assert cell["estimate"] == pytest.approx(mean, rel=1e-10)
    assert cell["se"] == pytest.approx(math.sqrt(variance), rel=1e-10)
    assert cell["n"] == valid.sum()
    assert cell["df"] == len(z) - len({s for s, _ in z})
    half = stats.t.ppf(0.975, cell["df"]) * cell["se"]
    assert cell["low"] == pytest.approx(mean - half) and cell["high"] == pytest.approx(mean + half)


def test_the_whole_is_the_weighted_mean_of_its_streets(run):
    """With everybody's opinion known: a run over the answers without 不了解."""
    Response.objects.filter(answers__Q20=-1).update(answers={"S02": 30, "D01": 1, "Q20": 3})
    again = create_run(round=run.round, acting_user=factories.User.objects.get(username="li"))
    weights = {str(w.response_id): w.weight for w in ResponseWeight.objects.filter(run=again)}
    size = {}
    for response in Response.objects.filter(round=run.round).select_related("region"):
        street = response.region.path[:9] + "000"
        size[street] = size.get(street, 0.0) + weights[str(response.pk)]
    cells = again.document["estimates"]["score"]
    mean = sum(cells[street]["estimate"] * w for street, w in size.items()) / sum(size.values())
    assert cells["all"]["estimate"] == pytest.approx(mean, rel=1e-10)
    assert cells["370105000000"]["estimate"] == pytest.approx(cells["all"]["estimate"])


def test_the_same_answers_give_the_same_document_and_hash(run, lead):
    again = create_run(round=run.round, acting_user=lead)
    assert again.pk != run.pk
    assert canonical_json(again.document) == canonical_json(run.document)
    assert again.document_hash == run.document_hash and again.inputs == run.inputs


def test_a_new_answer_changes_the_report(run, lead):
    waiting = run.round.cases.exclude(opaque_id__in=Response.objects.values("case_id")).first()
    factories.make_responses(
        run.round, lambda i, case: answers_of(i, case, code=5) if case.pk == waiting.pk else None
    )
    again = create_run(round=run.round, acting_user=lead)
    assert again.document["response"]["responses"] == run.document["response"]["responses"] + 1
    assert again.document_hash != run.document_hash
    run.refresh_from_db()
    assert run.document["response"]["responses"] == 60  # the old run keeps its figures


def test_volunteers_are_counted_and_never_estimated(run, lead, regions):
    Response.objects.create(
        client_id="5f4dcc3b-5aa7-45d6-8d83-27deb882cf99",
        content_hash="x",
        round=run.round,
        region=regions["370105001001"],
        sample_kind="volunteer",
        mode="web",
        questionnaire_version=run.round.questionnaire_version,
        language="zh-hans",
        answers={"S02": 40, "D01": 1, "Q20": 5},
        submitted_at=now(),
        received_at=now(),
    )
    again = create_run(round=run.round, acting_user=lead)
    assert again.document["response"]["volunteers"] == 1
    assert again.document["estimates"] == run.document["estimates"]
    assert ResponseWeight.objects.filter(run=again).count() == 60


def test_a_released_reserve_lowers_every_base_weight_of_its_communities(measured):
    before = read_inputs(measured).base.copy()
    first = measured.cases.order_by("opaque_id").first()
    measured.cases.filter(pk=first.pk).update(stage2_probability=first.stage2_probability * 1.2)
    after = read_inputs(measured)
    same_psu = np.array(
        [measured.cases.get(opaque_id=case).drawn_psu_id == first.drawn_psu_id for case in after.case_ids]
    )
    assert np.allclose(after.base[same_psu], before[same_psu] / 1.2)
    assert np.allclose(after.base[~same_psu], before[~same_psu])


def test_outcomes_follow_contacts_and_answers(measured, lead):
    rows = list(measured.cases.exclude(opaque_id__in=Response.objects.values("case_id")).order_by("number"))
    for case, mode, code in zip(
        rows, ("door",) * 3 + ("letter",), ("2.11", "4.50", "2.24", ""), strict=False
    ):
        Contact.objects.create(case=case, mode=mode, at=now(), disposition=code)
    rows[4].status = "opened"
    rows[4].save()
    response = create_run(round=measured, acting_user=lead).document["response"]
    counts = response["outcomes"]
    assert counts["I"] == 60 and counts["NC"] == 1 and counts["NE"] == 1
    assert counts["R"] == 2  # one refused at the door, one opened the page and left
    assert counts["UH"] == 16
    e = (60 + 2 + 1) / (60 + 2 + 1 + 1)
    assert response["e"] == pytest.approx(e)
    assert response["rates"]["RR1"] == pytest.approx(60 / (60 + 2 + 1 + 16))
    assert response["rates"]["RR3"] == pytest.approx(60 / (60 + 2 + 1 + e * 16))


def test_an_indicator_that_nobody_answered_is_suppressed_without_a_number(run):
    cells = run.document["estimates"]["empty"].values()
    assert cells and all(cell == {"suppressed": "masked"} for cell in cells)
    assert b"NaN" not in canonical_json(run.document)


def test_streets_with_few_psus_say_that_their_variance_is_pooled(measured, lead):
    measured.small_cell_floor = 10
    measured.save()
    run = create_run(round=measured, acting_user=lead)
    assert run.document["design"]["pooled_streets"] == ["370105001000", "370105003000"]
    assert run.document["estimates"]["score"]["370105001000"]["variance"] == "pooled"
    assert run.document["estimates"]["score"]["all"]["variance"] == "bootstrap"


def test_truth_stands_beside_a_simulated_round_only(measured, lead):
    SimulatedTruth.objects.create(round=measured, values={"score": {"370105000000": 51.5}})
    assert create_run(round=measured, acting_user=lead).document["truth"] is None
    measured.is_simulated = True
    measured.save()
    truth = create_run(round=measured, acting_user=lead).document["truth"]
    assert truth["score"] == {"370105000000": 51.5, "all": 51.5}


def test_a_model_city_is_scaled_by_its_households(measured, lead):
    measured.is_simulated = True
    measured.save()
    run = create_run(round=measured, acting_user=lead)
    row = run.document["weights"]["margins"][0]
    assert row["frame_households"] == 180
    assert row["scale"] == pytest.approx(180 / row["family_households"])
    assert run.document["weights"]["sum"] == pytest.approx(ADULTS * row["scale"])


def test_somebody_without_age_counts_for_the_district_only(measured, lead):
    response = Response.objects.filter(round=measured).first()
    Response.objects.filter(pk=response.pk).update(answers={"Q20": 4, "D01": 1})
    run = create_run(round=measured, acting_user=lead)
    unknown = [c for c in run.document["weights"]["cells"] if c["sex"] == "unknown"]
    assert len(unknown) == 1 and unknown[0]["n"] == 1
    assert run.document["weights"]["sum"] == pytest.approx(ADULTS)


def test_without_responses_the_message_says_so(regions, lead):
    round_ = factories.make_measured_round(regions["370105000000"])
    with pytest.raises(Problem) as refused:
        create_run(round=round_, acting_user=lead)
    assert refused.value.code == "reports.too_few"
    assert "0 份" in refused.value.message


def test_without_a_census_the_message_names_the_district(measured, lead):
    PopulationMargin.objects.all().delete()
    with pytest.raises(Problem) as refused:
        create_run(round=measured, acting_user=lead)
    assert refused.value.code == "reports.no_margins" and "天桥区" in refused.value.message


def test_without_a_draw_or_indicators_nothing_is_computed(regions, lead):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    with pytest.raises(Problem) as refused:
        create_run(round=round_, acting_user=lead)
    assert refused.value.code == "reports.not_pinned"


def test_an_official_may_not_compute(measured, official):
    with pytest.raises(Problem) as refused:
        create_run(round=measured, acting_user=official)
    assert refused.value.code == "common.forbidden"


def test_a_recipe_is_frozen_once(measured, lead):
    spec = default_spec(measured)
    first = freeze_recipe(round=measured, acting_user=lead, spec=spec)
    assert freeze_recipe(round=measured, acting_user=lead, spec=spec).pk == first.pk
    other = freeze_recipe(round=measured, acting_user=lead, spec={**spec, "calibration": {}})
    assert other.number == 2 and other.spec_hash != first.spec_hash
    run = create_run(round=measured, acting_user=lead, recipe=first)
    assert run.inputs["recipe"] == first.spec_hash


def test_the_run_and_its_audit_entry_stand_together(run):
    entry = AuditEntry.objects.get(action="reports.run.created")
    assert entry.detail == {"hash": run.document_hash, "responses": 60}


def test_a_job_that_runs_twice_makes_one_run(measured, lead):
    job = start_run(round=measured, acting_user=lead)
    run_job(str(job.pk))
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    Job.objects.filter(pk=job.pk).update(state=Job.State.PENDING)
    run_job(str(job.pk))
    assert Run.objects.filter(round=measured).count() == 1
    assert Run.objects.get(pk=job.pk).job_id == job.pk
