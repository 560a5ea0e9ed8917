"""A draw: committed before its seed is known, all or nothing, and done again line by line."""

import hashlib
import math
from collections import Counter
from fractions import Fraction

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM, verify_chain
from survey.common.canonical import sha256_of
from survey.common.crypto import decrypt, encrypt
from survey.common.errors import Problem
from survey.sampling import queries
from survey.sampling.frame_trees import community_roots, record_roots
from survey.sampling.models import Case, Design, Draw, DrawnPSU, FrameVersion, ReserveReplicate
from survey.sampling.services import commits as commits_module
from survey.sampling.services import create_design, draw_sample, release_replicate
from survey.sampling.verification import redraw
from tests import factories
from tests.factories import draw_now

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def make_spec(take=5, **values):
    stages = [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": take},
    ]
    return {"stages": stages, "n_psus": 6, **values}


def make_design(region, spec=None, households=30):
    """天桥区's two streets (2 PSUs each) and, with the whole city, 振兴街's two certainty communities."""
    round_ = factories.make_round(factories.make_study(region))
    frame = factories.make_frame(region, households=households)
    return create_design(round=round_, frame=frame, spec=spec or make_spec(), acting_user=SYSTEM)


@pytest.fixture
def design(regions):
    return make_design(regions["370100000000"])


def test_every_case_has_its_exact_probability_at_each_stage(design):
    draw = draw_now(design)
    assert draw.cases.count() == 30
    for case in draw.cases.select_related("drawn_psu__psu", "drawn_psu__stratum", "frame_unit"):
        psu, stratum = case.drawn_psu.psu, case.drawn_psu.stratum
        if case.drawn_psu.is_certainty:
            p1 = Fraction(1)
            assert (case.variance_stratum, case.variance_psu) == (psu.code, str(case.frame_unit.opaque_id))
        else:
            p1 = Fraction(stratum.n_psus_take * psu.n_households, stratum.n_households_frame)
            assert (case.variance_stratum, case.variance_psu) == (stratum.code, psu.code)
        p2 = Fraction(5, psu.n_households)
        assert (Fraction(case.stage1_exact), Fraction(case.stage2_exact)) == (p1, p2)
        assert (case.stage1_probability, case.stage2_probability) == (float(p1), float(p2))
        assert case.community in psu.communities.all()
        assert case.frame_unit.community == case.community


def test_probabilities_of_a_stratum_sum_to_its_psus_and_weights_to_the_frame(design):
    for stratum in design.plan["strata"]:
        if stratum["kind"] == "streets":
            shares = [
                Fraction(stratum["n_take"] * size, stratum["n_households"]) for _code, size in stratum["psus"]
            ]
            assert sum(shares) == stratum["n_take"]
    draw = draw_now(design)
    weights = [1 / (Fraction(c.stage1_exact) * Fraction(c.stage2_exact)) for c in draw.cases.all()]
    assert sum(weights) == 240  # self-weighting within strata: exact in every draw


def test_over_many_draws_each_household_comes_as_often_as_its_probability_says(regions, monkeypatch):
    """150 draws of 20 of 180 households; the system's random source is replaced by fixed secrets.

    Counts are binomial: six PSUs with probability 2/3, within 5.3 standard errors (exact tails, over six:
    1e-6), 180 households with probability 1/9, within 6 (over all: 1.9e-5). So one set of fixed secrets in
    50,000 would fail a right program.
    """
    secret = (hashlib.sha256(f"secret {i}".encode()).digest() for i in range(1000))
    monkeypatch.setattr(commits_module.secrets, "token_bytes", lambda n: next(secret))
    design = make_design(regions["370105000000"], make_spec(n_psus=4))
    runs, psus, households = 150, Counter(), Counter()
    for _ in range(runs):
        draw = draw_now(design, reason="模拟")
        psus.update(draw.psus.values_list("psu__code", flat=True))
        households.update(draw.cases.values_list("frame_unit", flat=True))
        assert sum(case.base_weight for case in draw.cases.all()) == pytest.approx(180)
    assert len(psus) == 6
    bound = 5.3 * math.sqrt(2 / 9 / runs)
    assert all(abs(count / runs - 2 / 3) < bound for count in psus.values())
    z = math.sqrt(runs * 8 / 81)
    assert all(
        abs(households[pk] - runs / 9) < 6 * z for pk in design.frame.units.values_list("pk", flat=True)
    )


def test_case_numbers_are_the_draw_and_a_running_number(design):
    draw = draw_now(design)
    assert sorted(draw.cases.values_list("number", flat=True)) == [f"1-{i:05d}" for i in range(1, 31)]


def test_seeds_of_households_differ_and_opaque_ids_are_not_those_of_the_frame(design):
    draw = draw_now(design)
    cases = list(draw.cases.select_related("frame_unit"))
    assert len({case.selection_seed for case in cases}) == 30
    # Answers know the case's id; the public frame names the unit's: they must not be linkable.
    assert all(case.opaque_id != case.frame_unit.opaque_id for case in cases)


def test_the_seed_follows_from_a_secret_that_was_committed_to(design):
    draw = draw_now(design)
    secret = bytes.fromhex(decrypt(draw.parties.get().secret_cipher, "sampling.draw_secret"))
    assert len(secret) == 32
    assert draw.commitment["parties"] == [
        {
            "number": 1,
            "name": draw.design.round.study.sponsor,
            "secret_hash": hashlib.sha256(secret).hexdigest(),
        }
    ]
    assert draw.commitment["frame_hash"] == design.frame.frame_hash
    assert draw.commitment["design_hash"] == design.spec_hash
    assert draw.commitment_hash == sha256_of(draw.commitment)
    parts = secret + "演示".encode() + bytes.fromhex(draw.commitment_hash)
    assert draw.seed == hashlib.sha256(parts).hexdigest()
    assert draw.committed_at <= draw.drawn_at
    design.refresh_from_db()
    assert design.locked_at == draw.committed_at


def test_a_draw_done_again_matches(design):
    result = redraw(draw_now(design))
    assert result.matches, result.differences


def _swap_household(draw):
    case = draw.cases.order_by("number").first()
    free = draw.design.frame.units.filter(community=case.community).exclude(
        pk__in=draw.cases.values("frame_unit")
    )
    Case.objects.filter(pk=case.pk).update(frame_unit=free.first())
    return f"case {case.number}"


def _change_probability(draw):
    case = draw.cases.last()
    Case.objects.filter(pk=case.pk).update(stage2_probability=0.5)
    return f"case {case.number}"


def _drop_case(draw):
    case = draw.cases.last()
    number = case.number
    case.delete()
    return f"case {number}"


def _change_seed(draw):
    Draw.objects.filter(pk=draw.pk).update(
        seed="0" + draw.seed[1:] if draw.seed[0] != "0" else "1" + draw.seed[1:]
    )
    return "seed"


def _change_psu(draw):
    psu = draw.psus.first()
    DrawnPSU.objects.filter(pk=psu.pk).update(probability_exact="1/3")
    return f"psu {psu.psu.code}"


def _change_spec(draw):
    Design.objects.filter(pk=draw.design_id).update(spec={**draw.design.spec, "notes": "改过"})
    return "design"


def _change_plan(draw):
    Design.objects.filter(pk=draw.design_id).update(plan={**draw.design.plan, "n_cases": 1})
    return "plan"


def _change_frame(draw):
    draw.design.frame.units.filter(position=1).update(commitment="0" * 64)
    return "frame"


def _change_commitment(draw):
    Draw.objects.filter(pk=draw.pk).update(commitment={**draw.commitment, "draw_number": 2})
    return "commitment_hash"


def _change_result(draw):
    Draw.objects.filter(pk=draw.pk).update(result_hash="0" * 64)
    return "result_hash"


def _change_secret(draw):
    other = encrypt("00" * 32, "sampling.draw_secret")
    draw.parties.update(secret_cipher=other)
    return "party 1"


def _break_secret(draw):
    draw.parties.update(secret_cipher=b"junk")
    return "secret"


def _change_person_seed(draw):
    case = draw.cases.first()
    Case.objects.filter(pk=case.pk).update(selection_seed="0" * 64)
    return f"case {case.number}"


@pytest.mark.parametrize(
    "tamper",
    [
        _swap_household,
        _change_probability,
        _drop_case,
        _change_seed,
        _change_psu,
        _change_spec,
        _change_plan,
        _change_frame,
        _change_commitment,
        _change_result,
        _change_secret,
        _break_secret,
        _change_person_seed,
    ],
)
def test_a_draw_done_again_names_what_was_tampered_with(design, tamper):
    draw = draw_now(design)
    where = tamper(draw)
    result = redraw(Draw.objects.get(pk=draw.pk))
    assert not result.matches
    assert where in {difference.where for difference in result.differences}


def test_a_household_removed_from_the_frame_is_found(design):
    draw = draw_now(design)
    drawn = draw.psus.first().psu.communities.get()
    free = design.frame.units.filter(community=drawn).exclude(pk__in=draw.cases.values("frame_unit"))
    free.first().delete()
    result = redraw(draw)
    assert {"frame"} == {difference.where for difference in result.differences}
    assert any("households listed" in difference.found for difference in result.differences)


def test_a_second_draw_needs_a_reason_and_the_first_stays_as_void(design):
    first = draw_now(design)
    with pytest.raises(Problem) as caught:
        draw_now(design)
    assert caught.value.code == "sampling.already_drawn"
    second = draw_now(design, reason="名录有误，已更正")
    first.refresh_from_db()
    assert (first.state, second.state, second.number) == ("void", "drawn", 2)
    assert first.cases.count() == 30  # nothing is rewritten
    assert redraw(first).matches
    assert queries.current_draw(design.round) == second
    assert set(design.round.cases.released()) == set(second.cases.all())
    actions = list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))
    assert actions[-2:] == ["sampling.draw.voided", "sampling.draw.created"]
    assert verify_chain()[1] == ""


def test_after_the_field_has_opened_there_is_no_second_draw(design):
    draw_now(design)
    design.round.state = "open"
    design.round.save()
    with pytest.raises(Problem, match="锁定"):
        draw_now(design, reason="不满意")


def test_a_closed_round_is_not_drawn(design):
    design.round.state = "closed"
    design.round.save()
    with pytest.raises(Problem, match="锁定"):
        draw_now(design)


@pytest.mark.parametrize("part", ["frame", "spec", "strata"])
def test_an_altered_frame_or_design_is_not_drawn(design, part):
    if part == "frame":
        design.frame.units.filter(position=5).update(commitment="f" * 64)
    elif part == "spec":
        Design.objects.filter(pk=design.pk).update(spec={**design.spec, "n_psus": 3})
    else:
        design.strata.filter(kind="streets").update(n_psus_take=3)
    with pytest.raises(Problem) as caught:
        draw_now(design)
    assert caught.value.code == "sampling.frame_altered"
    assert not Draw.objects.filter(state="drawn").exists()
    assert Case.objects.count() == 0


def test_a_draw_that_fails_half_way_leaves_nothing(design):
    """The database fails at the audit entry, when PSUs, replicates and cases are all written."""
    written = {}
    waiting = factories.commit_now(design)

    def fail(execute, sql, params, many, context):
        if "INSERT INTO" in sql and "audit_auditentry" in sql:
            written.update(cases=Case.objects.count(), psus=DrawnPSU.objects.count())
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail), pytest.raises(OperationalError, match="disk full"):
        draw_sample(draw=waiting, beacon_value="x", acting_user=SYSTEM)
    assert written == {"cases": 30, "psus": 6}
    for model in (Case, DrawnPSU, ReserveReplicate):
        assert model.objects.count() == 0
    waiting.refresh_from_db()
    assert (waiting.state, waiting.seed, waiting.result_hash) == ("committed", "", "")


class TestReserves:
    @pytest.fixture
    def draw(self, regions):
        spec = make_spec(take=6, reserve_replicates=2, reserve_take=2)
        return draw_now(make_design(regions["370100000000"], spec))

    def test_only_the_first_replicate_is_released_at_once(self, draw):
        sizes = list(draw.replicates.values_list("number", "n_cases"))
        assert sizes == [(0, 36), (1, 12), (2, 12)]
        assert draw.replicates.get(released_at__isnull=False).number == 0
        assert draw.cases.released().count() == 36
        assert set(draw.cases.released().values_list("stage2_exact", flat=True)) == {"1/5"}

    def test_a_release_gives_all_released_cases_the_probability_of_the_larger_sample(self, draw):
        release_replicate(draw=draw, number=1, reason="回收率低于预期", acting_user=SYSTEM)
        released = draw.cases.released()
        assert released.count() == 48
        assert set(released.values_list("stage2_exact", "stage2_probability")) == {
            ("4/15", float(Fraction(8, 30)))
        }
        assert sum(case.base_weight for case in released) == pytest.approx(240)
        assert redraw(draw).matches
        release_replicate(draw=draw, number=2, reason="还是不够", acting_user=SYSTEM)
        assert sum(case.base_weight for case in draw.cases.released()) == pytest.approx(240)
        assert redraw(draw).matches
        entry = AuditEntry.objects.filter(action="sampling.replicate.released").first()
        assert entry.detail["cases"] == 12

    @pytest.mark.parametrize("number", [0, 2, 3])
    def test_out_of_order_is_refused(self, draw, number):
        with pytest.raises(Problem) as caught:
            release_replicate(draw=draw, number=number, reason="x", acting_user=SYSTEM)
        assert caught.value.code == "sampling.replicate_order"
        assert "第 1 批" in caught.value.message

    def test_a_reason_is_needed_and_a_void_draw_or_closed_round_is_refused(self, draw):
        with pytest.raises(Problem, match="理由"):
            release_replicate(draw=draw, number=1, reason=" ", acting_user=SYSTEM)
        draw.design.round.state = "closed"
        draw.design.round.save()
        with pytest.raises(Problem, match="锁定"):
            release_replicate(draw=draw, number=1, reason="x", acting_user=SYSTEM)
        Draw.objects.update(state="void")
        with pytest.raises(Problem, match="锁定"):
            release_replicate(draw=draw, number=1, reason="x", acting_user=SYSTEM)

    def test_when_all_are_released_there_is_no_next(self, draw):
        for number in (1, 2):
            release_replicate(draw=draw, number=number, reason="x", acting_user=SYSTEM)
        with pytest.raises(Problem, match="没有了"):
            release_replicate(draw=draw, number=3, reason="x", acting_user=SYSTEM)


class TestReading:
    def test_the_team_sees_psus_and_counts_and_officials_and_interviewers_see_nothing(
        self, design, lead, official, interviewer
    ):
        draw = draw_now(design)
        assert len(queries.psu_list(lead, draw)) == 6
        counts = queries.counts_by_street(lead, draw)
        assert [(row["name"], row["n_cases"]) for row in counts] == [
            ("振兴街街道", 10),
            ("无影山街道", 10),
            ("天桥东街街道", 10),
        ]
        assert [row["n_households"] for row in counts] == pytest.approx([60, 90, 90])
        for user in (official, interviewer):
            assert queries.psu_list(user, draw) == []
            assert queries.counts_by_street(user, draw) == []
            assert queries.draw_for(user, design.round) is None
            assert queries.frames_for(user) == []
            for model in (FrameVersion, Design, Draw, Case):
                assert not model.objects.visible_to(user).exists()

    def test_a_supervisor_of_one_district_sees_its_cases_only(self, design, regions):
        draw = draw_now(design)
        supervisor = factories.make_user("sun", "supervisor", regions["370105000000"])
        rows = queries.counts_by_street(supervisor, draw)
        assert [row["name"] for row in rows] == ["无影山街道", "天桥东街街道"]
        assert Case.objects.visible_to(supervisor).count() == 20

    def test_the_sampling_report_states_method_strata_probabilities_and_hashes(self, design):
        draw = draw_now(design)
        report = queries.sampling_report(draw)
        assert report["strata"] == {"n": 4, "n_certainty": 2, "n_joined": 0, "joined": []}
        assert report["size"]["n_cases"] == 30
        assert report["probabilities"]["weights_sum"] == report["probabilities"]["n_households"] == 240
        assert (report["probabilities"]["weight_low"], report["probabilities"]["weight_high"]) == (6, 9)
        # Kish: n Σw²/(Σw)² = 30 (10·36 + 20·81)/240².
        assert report["probabilities"]["deff_weights"] == pytest.approx(30 * (360 + 1620) / 240**2)
        assert report["draw"]["result_hash"] == draw.result_hash
        assert report["method"]["variance"]["is_approximate"] is True
        text = str(report)
        assert not any(psu.psu.name in text for psu in draw.psus.select_related("psu"))

    def test_columns_for_estimation_have_a_row_for_each_released_case(self, design):
        assert queries.variance_design(design.round)["case_id"] == []
        draw_now(design)
        columns = queries.variance_design(design.round)
        assert {len(values) for values in columns.values()} == {30}
        assert sum(columns["base_weight"]) == pytest.approx(240)
        assert set(columns["district_code"]) == {"370104000000", "370105000000"}
        psus_of = {}
        for stratum, psu in zip(columns["variance_stratum"], columns["variance_psu"], strict=True):
            psus_of.setdefault(stratum, set()).add(psu)
        assert sorted(len(psus) for psus in psus_of.values()) == [2, 2, 5, 5]


def test_the_command_draws_and_refuses_in_words(design, capsys):
    waiting = factories.commit_now(design)
    call_command("draw_sample", draw=waiting.pk, beacon="演示")
    assert "6 个社区单位，30 户" in capsys.readouterr().out
    with pytest.raises(CommandError, match="已经抽过样"):
        call_command("draw_sample", draw=waiting.pk, beacon="演示")
    with pytest.raises(CommandError, match="没有编号"):
        call_command("draw_sample", draw=999_999, beacon="演示")


def test_a_frame_of_very_unequal_communities_is_designed_drawn_and_done_again(regions):
    """Joined communities, joined streets and certainty units in one draw."""
    frame = factories.make_frame(regions["370100000000"], households=60)
    sizes = {"370105001001": 60, "370105001002": 9, "370105001003": 4, "370105003001": 33}
    for code, keep in sizes.items():
        units = frame.units.filter(community__code=code).order_by("-position").values_list("pk", flat=True)
        frame.units.filter(pk__in=list(units[: 60 - keep])).delete()
    frame.trees.all().delete()
    record_roots(frame, list(community_roots(frame)))
    frame.save()
    round_ = factories.make_round(factories.make_study(regions["370100000000"]))
    design = create_design(round=round_, frame=frame, spec=make_spec(take=10, n_psus=5), acting_user=SYSTEM)
    draw = draw_now(design)
    assert draw.psus.count() == 5
    assert redraw(draw).matches
    weights = [1 / (Fraction(c.stage1_exact) * Fraction(c.stage2_exact)) for c in draw.cases.all()]
    assert sum(weights) == frame.units.count()
