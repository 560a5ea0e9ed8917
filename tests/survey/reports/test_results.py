"""What stands beside the figures: snapshot, signature, resuming, change, modes, composites, notices."""

import copy
import math

import numpy as np
import pytest

from survey.common.canonical import canonical_json
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.models import SelectedPerson
from survey.indicators.models import IndicatorVersion
from survey.indicators.services import publish_indicator
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.questionnaires.models import QuestionnaireVersion
from survey.regions.models import Region
from survey.reports import snapshots
from survey.reports.inputs import read_inputs
from survey.reports.models import ResponseWeight, Run, Snapshot
from survey.reports.notices import all_notices
from survey.reports.reading import Reading
from survey.reports.services import create_run, freeze_recipe, publish_report
from survey.reports.signatures import is_genuine
from survey.reports.tables_api import public_tables
from survey.reports.tasks import start_run
from survey.reports.weighting import default_spec
from survey.responses.models import Response, Theme
from tests import factories
from tests.survey.reports.conftest import answers_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def open_floor(measured):
    measured.small_cell_floor = 5
    measured.save()
    return measured


def second_round(first, lead, *, answer=answers_of, **values):
    """The next round of the study, in the same communities, three of four answering."""
    round_ = factories.make_drawn_round(
        first.study.region,
        study=first.study,
        take=20,
        number=first.number + 1,
        name="2027 年上半年",
        state="open",
        questionnaire_version=values.pop("version", first.questionnaire_version),
        small_cell_floor=first.small_cell_floor,
    )
    round_.indicator_versions.set(first.indicator_versions.all())
    factories.make_responses(round_, lambda i, case: None if i % 4 == 3 else answer(i, case))
    return round_


@pytest.fixture
def two_rounds(open_floor, lead):
    """A published first round, and a second one of the same communities."""
    publish_report(run=create_run(round=open_floor, acting_user=lead), title="第一轮", acting_user=lead)
    return open_floor, second_round(open_floor, lead)


def test_a_snapshot_gives_the_same_inputs_back(measured):
    inputs = read_inputs(measured)
    again = snapshots.read_snapshot(snapshots.take_snapshot(measured, inputs))
    for name in ("path", "base", "psu", "outcome", "mode", "took_part", "urban"):
        assert (getattr(again, name) == getattr(inputs, name)).all(), name
    assert np.allclose(again.person_probability, inputs.person_probability, equal_nan=True)
    assert {k: list(v) for k, v in again.answers.items()} == {k: list(v) for k, v in inputs.answers.items()}
    assert again.hash == inputs.hash and again.modes == inputs.modes
    assert again.outcome_counts == inputs.outcome_counts


def test_answers_of_any_type_survive_the_snapshot():
    for values in ([1, None, 3], [1.5, 2, None], ["a", None], [["1", "2"], None], [None, None], [1, "b"]):
        back = snapshots.typed(values).to_pylist()
        if values == [1, "b"]:
            values = ["1", "b"]
        assert back == values


def test_a_snapshot_with_a_withdrawn_answer_is_destroyed_and_its_hash_stays(run):
    assert snapshots.remove_stale_snapshots() == 0
    Response.objects.filter(round=run.round).order_by("pk").first().delete()
    assert snapshots.remove_stale_snapshots() == 1
    kept = Snapshot.objects.get()
    assert kept.file == "" and kept.removed_at and kept.file_hash
    with pytest.raises(Problem) as refused:
        snapshots.read_snapshot(kept)
    assert refused.value.code == "reports.snapshot_gone"


def test_a_file_that_was_changed_is_not_read(run):
    path = snapshots.path_of(run.snapshot)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Problem) as refused:
        snapshots.read_snapshot(run.snapshot)
    assert refused.value.code == "reports.snapshot_gone"


def test_the_signature_is_of_this_document_only(run):
    assert is_genuine(run.document, run.signature)
    forged = copy.deepcopy(run.document)
    forged["estimates"]["score"]["all"]["estimate"] = 99.0
    assert not is_genuine(forged, run.signature)
    assert not is_genuine(run.document, {})


def test_a_run_that_was_cancelled_goes_on_where_it_stopped_and_ends_alike(measured, lead, monkeypatch):
    whole = create_run(round=measured, acting_user=lead)
    job = start_run(round=measured, acting_user=lead)

    def cancel_after_first(self, fraction, message):
        if self.job.attempts == 1 and fraction > 0.45:
            Job.objects.filter(pk=self.job.pk).update(cancel_requested=True)
        return said(self, fraction, message)

    from survey.jobs.services import Progress

    said = Progress.say
    monkeypatch.setattr(Progress, "say", cancel_after_first)
    run_job(str(job.pk))
    job.refresh_from_db()
    run = Run.objects.get(pk=job.pk)
    assert job.state == Job.State.CANCELLED and run.state == Run.State.CANCELLED
    stored = set(run.parts.values_list("name", flat=True))
    assert any(name.startswith("indicator:") for name in stored) and not run.document
    Job.objects.filter(pk=job.pk).update(state=Job.State.PENDING, cancel_requested=False)
    run_job(str(job.pk))
    run.refresh_from_db()
    assert run.state == Run.State.DONE and not run.parts.exists()
    assert canonical_json(run.document) == canonical_json(whole.document)


def test_the_passport_tells_each_step_s_total_and_effect(run):
    rows = ResponseWeight.objects.filter(run=run)
    factors = rows.first().factors
    assert [f["step"] for f in factors] == list(run.recipe.spec["steps"])
    assert factors[-1]["total"] == pytest.approx(sum(r.weight for r in rows))
    assert all(f["effect"] >= 1 for f in factors)


def make_uneven(round_):
    """One person of a household of ten, and two households that refused."""
    first = Response.objects.filter(round=round_).order_by("pk").first()
    Response.objects.filter(pk=first.pk).update(person_probability=0.1)
    silent = round_.cases.exclude(opaque_id__in=Response.objects.values("case_id")).order_by("number")
    for case in silent[:2]:
        case.status = "refused"
        case.save()


def spec_of(round_, **changes):
    spec = default_spec(round_)
    return spec | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"trimming": {"rule": "times_mean", "times": 3.0, "iterate": True}},
        {"trimming": {"rule": "times_mean", "times": 2.0, "iterate": False}},
        {"trimming": {"rule": "median_iqr", "times": 6.0, "iterate": True}},
        {
            "calibration": {
                "distance": "logit",
                "bounds": [0.2, 5.0],
                "margins": [["district", "sex"], ["district", "age"]],
            }
        },
        {"household_response": {"method": "propensity", "covariates": ["psu_households", "attempts"]}},
    ],
)
def test_every_recipe_ends_at_the_population_and_repeats_itself(measured, lead, changes):
    make_uneven(measured)
    recipe = freeze_recipe(round=measured, acting_user=lead, spec=spec_of(measured, **changes))
    run = create_run(round=measured, acting_user=lead, recipe=recipe)
    weights = run.document["weights"]
    assert weights["sum"] == pytest.approx(sum(row["adults"] for row in weights["margins"]))
    for row in ResponseWeight.objects.filter(run=run):
        assert math.prod(f["factor"] for f in row.factors) == pytest.approx(row.weight, rel=1e-9)
    again = create_run(round=measured, acting_user=lead, recipe=recipe)
    assert again.document_hash == run.document_hash


def test_trimming_keeps_every_weight_under_its_limit_and_says_so(measured, lead):
    make_uneven(measured)
    plain = create_run(round=measured, acting_user=lead)
    rule = {"rule": "times_mean", "times": 2.0, "iterate": True}
    recipe = freeze_recipe(round=measured, acting_user=lead, spec=spec_of(measured, trimming=rule))
    run = create_run(round=measured, acting_user=lead, recipe=recipe)
    before, found = (r.document["weights"]["diagnostics"] for r in (plain, run))
    assert found["maximum"] <= 2 * before["mean"] * (1 + 1e-5) < before["maximum"]
    assert any("截到上限" in text for text in all_notices(run.document))


def test_a_chosen_person_who_did_not_answer_counts_for_persons_not_for_households(measured, lead):
    before = create_run(round=measured, acting_user=lead)
    silent = measured.cases.exclude(opaque_id__in=Response.objects.values("case_id")).order_by("number")
    for case in silent[:3]:
        SelectedPerson.objects.create(
            case=case, method="uniform", n_eligible=4, probability=0.25, selected_at=now()
        )
        case.status = "opened"
        case.save()
    after = create_run(round=measured, acting_user=lead)
    steps = {s["step"]: s for s in after.document["weights"]["steps"]}
    assert steps["person_response"]["sum"] > steps["person_selection"]["sum"]
    plain = {s["step"]: s for s in before.document["weights"]["steps"]}
    assert plain["person_response"]["sum"] == pytest.approx(plain["person_selection"]["sum"])


def test_change_counts_the_communities_of_both_rounds(two_rounds, lead):
    _first, second = two_rounds
    change = create_run(round=second, acting_user=lead).document["change"]
    assert change["previous"]["has_sample"] and change["shared_psus"] == 4
    row = change["indicators"]["score"]["domains"]["all"]
    assert change["indicators"]["score"]["status"] == "tested"
    assert row["difference"] == pytest.approx(0, abs=1e-9)  # the same answers again
    assert row["covariance"] > 0 and not row["claimed"] and row["verdict"] == "unsure"
    assert row["low"] < 0 < row["high"]


def test_a_change_without_the_earlier_sample_says_so(two_rounds, lead):
    _first, second = two_rounds
    Snapshot.objects.update(file="")
    document = create_run(round=second, acting_user=lead).document
    assert document["change"]["shared_psus"] is None
    assert document["change"]["indicators"]["score"]["domains"]["all"]["covariance"] == 0
    assert any("快照不在了" in text for text in all_notices(document))


def test_another_wording_gives_no_change_and_says_so(open_floor, lead):
    publish_report(run=create_run(round=open_floor, acting_user=lead), title="第一轮", acting_user=lead)
    document = copy.deepcopy(open_floor.questionnaire_version.document)
    document["blocks"][0]["items"][2]["label"]["zh-hans"] = "您对社区满意吗？"
    version = QuestionnaireVersion.objects.create(
        questionnaire=open_floor.questionnaire_version.questionnaire,
        number=2,
        state="published",
        document=document,
        document_hash="other",
    )
    second = second_round(open_floor, lead, version=version)
    found = create_run(round=second, acting_user=lead).document
    assert found["change"]["indicators"]["score"] == {
        "status": "wording_changed",
        "items": ["Q20"],
        "domains": {},
        "same_mode": {},
    }
    assert any("问法不同" in text for text in all_notices(found))
    assert found["trend"]["score"][0]["status"] == "wording_changed"


def test_another_rule_makes_a_version_and_gives_no_change(two_rounds, lead):
    first, second = two_rounds
    rule = {"items": [{"name": "Q20", "points": {"5": 100, "4": 100, "3": 0, "2": 0, "1": 0}}]}
    version = publish_indicator(
        code="score", name="满意度得分", kind="mean_score", definition=rule, acting_user=factories.SYSTEM
    )
    assert version.number == 2
    others = first.indicator_versions.exclude(indicator__code="score")
    second.indicator_versions.set([*others, version])
    found = create_run(round=second, acting_user=lead).document
    assert found["change"]["indicators"]["score"]["status"] == "rule_changed"
    assert any("换了算法" in text for text in all_notices(found))
    report = first.reports.get()
    assert {row["code"]: row["version"] for row in report.document["indicators"]}["score"] == 1


def test_a_region_that_was_split_is_named(two_rounds, lead):
    first, second = two_rounds
    report = first.reports.get()
    document = copy.deepcopy(report.document)
    document["domains"] = [d for d in document["domains"] if d["key"] != "370105001000"]
    type(report).objects.filter(pk=report.pk).update(document=document)
    new = Region.objects.get(code="370105001000")
    other = Region.objects.get(code="370105003000")
    other.successor = new
    other.save()
    notices = all_notices(create_run(round=second, acting_user=lead).document)
    assert any(new.name in text and other.name in text and "调整而来" in text for text in notices)


def test_another_mode_mix_is_said_and_the_same_mode_change_shown(two_rounds, lead):
    _first, second = two_rounds
    Response.objects.filter(round=second).update(mode="web")
    found = create_run(round=second, acting_user=lead).document
    assert found["modes"]["changed"] and found["change"]["mode_mix_changed"]
    assert found["modes"]["mix"]["all"] == {"web": 1.0}
    same = found["change"]["indicators"]["score"]["same_mode"]
    assert set(same) == {"web"} and same["web"]["all"]["n"] > same["web"]["all"]["n_before"]
    assert any("作答方式比例不同" in text for text in all_notices(found))


def test_a_margin_that_nobody_answered_is_joined_and_named(measured, lead):
    for response in Response.objects.filter(round=measured):
        if response.answers["S02"] >= 75:
            response.answers["S02"] = 70
            response.save()
    notices = all_notices(create_run(round=measured, acting_user=lead).document)
    assert any("75 岁及以上没有一份答卷" in text for text in notices)


def test_the_wording_of_an_open_item_with_themes_is_kept(open_floor, lead):
    document = copy.deepcopy(open_floor.questionnaire_version.document)
    label = {"zh-hans": "您最想让政府先办哪件事？"}
    document["blocks"][0]["items"].append({"name": "Q24", "type": "text", "label": label})
    version = QuestionnaireVersion.objects.create(
        questionnaire=open_floor.questionnaire_version.questionnaire,
        number=2, state="published", document=document, document_hash="open",
    )  # fmt: skip
    open_floor.questionnaire_version = version
    open_floor.save()
    assert "Q24" not in create_run(round=open_floor, acting_user=lead).document["items"]
    Theme.objects.create(round=open_floor, item="Q24", code=1, label="停车难")
    found = create_run(round=open_floor, acting_user=lead).document
    assert found["items"]["Q24"]["label"]["zh-hans"] == label["zh-hans"]
    assert found["items"]["Q24"]["choices"] == []
    assert "Q24" not in found["distributions"]


def test_a_correction_keeps_masked_what_was_masked(measured, lead):
    first = create_run(round=measured, acting_user=lead)
    publish_report(run=first, title="第一版", acting_user=lead)
    measured.small_cell_floor = 5
    measured.save()
    second = create_run(round=measured, acting_user=lead)
    for name, cells in first.document["masks"].items():
        assert set(cells) <= set(second.document["masks"][name]), name


def test_ties_are_those_that_the_rank_sets_do_not_tell_apart(open_floor, lead):
    document = create_run(round=open_floor, acting_user=lead).document
    ranks = document["ranks"]["score"]["street"]
    ties = Reading(document).comparison("score", "street")["ties"]
    for key in ranks["low"]:
        assert 1 <= ranks["low"][key] <= ranks["high"][key] <= 2
        assert bool(ties[key]) == (ranks["low"][key] != ranks["high"][key])


def test_the_published_tables_hold_no_count_of_a_small_class(run):
    tables = public_tables(run.document)
    assert not {"classes", "cells", "diagnostics"} & set(tables["weights"])
    assert "masks" not in tables and "snapshot" not in tables
    assert IndicatorVersion.objects.exists()


def test_a_target_is_judged_within_the_family(open_floor, lead):
    IndicatorVersion.objects.filter(indicator__code="score").update(target=5.0)
    document = create_run(round=open_floor, acting_user=lead).document
    row = document["targets"]["score"]["all"]
    assert row["target"] == 5.0 and row["difference"] > 0
    assert row["p_adjusted"] >= row["p"]
    claims = document["claims"]
    assert claims["tests"] >= len(claims["list"])
    assert all(entry["claimed"] for entry in claims["list"])
