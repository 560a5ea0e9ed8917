"""What a supervisor does: hands out by load, reviews, checks back, settles, closes."""

import json
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import localtime
from hypothesis import given
from hypothesis import strategies as st

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.services import record_contact
from survey.fieldwork import board
from survey.fieldwork.contact_rules import ContactRules, count_attempts, is_off_hours
from survey.fieldwork.loads import Block, share_out
from survey.fieldwork.models import Assignment, BackCheck, FieldOutcome, FieldRules, Review
from survey.fieldwork.queries import doors_of
from survey.fieldwork.route import Stop, length_m, walking_order
from survey.fieldwork.services import (
    answer_request,
    assign_by_load,
    assign_cases,
    close_door,
    close_field,
    draw_backchecks,
    enter_backcheck,
    freeze_priorities,
    reopen_door,
    review_response,
    set_field_rules,
    settle_flag,
    try_refusal_again,
    write_safety_note,
)
from survey.responses.models import DataRequest, Flag, Response
from survey.responses.services import withdraw_response
from survey.studies.models import Round
from tests import factories
from tests.residents import make_open_round

pytestmark = [pytest.mark.django_db, pytest.mark.database]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def answered(field, case):
    ready = field.ready(case)
    body = json.dumps(field.body(document=ready["document_hash"]))
    reply = field.client.post(ready["submit_url"], body, content_type="application/json")
    assert reply.status_code == 201, reply.content
    return Response.objects.get(case=case)


def visit(case, user, code, hours_ago=1):
    record_contact(
        case=case, mode="door", at=now() - timedelta(hours=hours_ago), disposition=code, acting_user=user
    )
    case.refresh_from_db()


# --- contact rules --------------------------------------------------------------------------------------
def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_evenings_weekends_and_holidays_are_off_hours_and_worked_weekends_are_not():
    rules = ContactRules(
        holidays=frozenset([at("2026-10-01").date()]), workdays=frozenset([at("2026-10-10").date()])
    )
    assert is_off_hours(at("2026-11-23T18:00"), rules)  # a Monday evening
    assert not is_off_hours(at("2026-11-23T17:59"), rules)
    assert is_off_hours(at("2026-11-22T10:00"), rules)  # a Sunday
    assert is_off_hours(at("2026-10-01T10:00"), rules)  # a holiday on a Thursday
    assert not is_off_hours(at("2026-10-10T10:00"), rules)  # a Saturday that is worked


def test_four_visits_two_of_them_off_hours_and_ringing_twice_is_one():
    rules = ContactRules()
    monday = [at(f"2026-11-23T{hour}:00") for hour in ("09", "11", "14", "16")]
    tried = count_attempts(monday, rules)
    assert (tried.made, tried.off_hours, tried.missing, tried.missing_off_hours) == (4, 0, 2, 2)
    twice = count_attempts([at("2026-11-23T19:00"), at("2026-11-23T19:20")], rules)
    assert twice.made == 1
    enough = [*monday[:2], at("2026-11-23T19:00"), at("2026-11-22T10:00")]
    assert count_attempts(enough, rules).may_close


@given(st.lists(st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 12, 31)), max_size=12))
def test_what_is_missing_is_what_is_needed(times):
    rules = ContactRules()
    found = count_attempts(times, rules)
    assert found.may_close == (found.made >= rules.min_attempts and found.off_hours >= rules.min_off_hours)
    assert found.off_hours <= found.made <= len(times)


def test_a_door_closes_by_the_rule_or_by_a_supervisor_with_a_reason(cases, interviewer, supervisor):
    case = cases[0]
    visit(case, interviewer, "2.24")
    with pytest.raises(Problem) as refusal:
        close_door(case=case, acting_user=interviewer)
    assert refusal.value.code == "fieldwork.too_few_attempts" and "3 次" in str(refusal.value)
    with pytest.raises(Problem, match="至少还要去"):
        close_door(case=case, acting_user=supervisor)
    closing = close_door(case=case, acting_user=supervisor, reason="院里有恶犬")
    assert closing.disposition == "2.24" and closing.attempts == 1
    assert next(d for d in doors_of(interviewer) if d.case == case).is_closed
    reopen_door(case=case, reason="狗拴好了", acting_user=supervisor)
    assert not next(d for d in doors_of(interviewer) if d.case == case).is_closed


def test_the_bar_of_the_rules_is_frozen_once_the_field_is_open(round_, supervisor):
    values = {
        "min_attempts": 4, "min_off_hours": 2, "evening_from": 18, "holidays": [at("2026-10-01").date()],
        "workdays": [], "community_quota": 10, "backcheck_share": 0.2, "backcheck_min": 6,
    }  # fmt: skip
    assert set_field_rules(round=round_, acting_user=supervisor, **values).holidays == ["2026-10-01"]
    with pytest.raises(Problem) as refusal:
        set_field_rules(round=round_, acting_user=supervisor, **{**values, "min_attempts": 2})
    assert refusal.value.code == "common.locked"


# --- who goes where -------------------------------------------------------------------------------------
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(1, 30)),
        max_size=12,
        unique_by=lambda b: b[:2],
    ),
    st.one_of(st.none(), st.integers(1, 10)),
)
def test_shared_out_loads_lose_no_case_and_keep_the_quota(blocks, quota):
    able = {community: [1, 2, 3] for community in range(1, 5)}
    plan = share_out([Block(*b) for b in blocks], able=able, held={}, quota=quota)
    per = {}
    for (community, grid), parts in plan.items():
        size = next(b[2] for b in blocks if b[:2] == (community, grid))
        given_out = sum(n for _who, n in parts)
        assert given_out <= size and (quota is not None or given_out == size)
        for who, n in parts:
            assert n > 0
            per[(who, community)] = per.get((who, community), 0) + n
    assert quota is None or all(n <= quota for n in per.values())


def test_free_cases_are_handed_out_evenly_and_a_second_time_nothing_moves(round_, supervisor, regions, cases):
    for name in ("zhou", "wu"):
        factories.make_user(name, "interviewer", regions["370105000000"])
    done = assign_by_load(round=round_, acting_user=supervisor)
    assert done == {"assigned": 9, "left": 0}
    held = Assignment.objects.filter(ended_at__isnull=True)
    assert held.count() == round_.cases.count() == 12
    loads = sorted(held.filter(interviewer__username=name).count() for name in ("zhao", "zhou", "wu"))
    assert loads == [3, 3, 6]
    assert assign_by_load(round=round_, acting_user=supervisor) == {"assigned": 0, "left": 0}
    orders = sorted(held.filter(interviewer__username="zhao").values_list("order", flat=True))
    assert orders == list(range(1, len(orders) + 1))


def test_nobody_gets_more_of_a_community_than_the_quota_unless_a_reason_says_why(
    round_, interviewer, supervisor
):
    FieldRules.objects.create(round=round_, community_quota=2, set_at=now())
    first = round_.cases.order_by("community__path").first().community
    whole = list(round_.cases.filter(community=first))
    with pytest.raises(Problem, match="最多 2 户"):
        assign_cases(cases=whole, interviewer=interviewer, acting_user=supervisor)
    assert assign_cases(cases=whole[:2], interviewer=interviewer, acting_user=supervisor) == 2
    with pytest.raises(Problem, match="最多 2 户"):
        assign_cases(cases=whole[2:], interviewer=interviewer, acting_user=supervisor)
    assert (
        assign_cases(cases=whole[2:], interviewer=interviewer, acting_user=supervisor, reason="别人都病了")
        == 1
    )


def test_addresses_are_walked_as_people_read_them():
    stops = [Stop(k, address) for k, address in enumerate(["10 号楼 2 室", "2 号楼 11 室", "2 号楼 3 室"])]
    assert walking_order(stops) == [2, 1, 0]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=3, max_size=12, unique=True))
def test_a_way_visits_each_door_once_and_no_reversal_shortens_it(places):
    stops = [Stop(k, f"{k} 号", (float(x), float(y))) for k, (x, y) in enumerate(places)]
    order = walking_order(stops)
    assert sorted(order) == list(range(len(stops)))
    way = [stops[k] for k in order]
    best = length_m(way)
    for i in range(len(way)):
        for j in range(i + 1, len(way)):
            other = way[:i] + way[i : j + 1][::-1] + way[j + 1 :]
            assert length_m(other) >= best - 1e-6


def test_a_refusal_is_tried_once_more_by_somebody_else(cases, interviewer, other_interviewer, supervisor):
    case = cases[0]
    visit(case, interviewer, "2.111")
    again = {"case": case, "reason": "换一位年长的访员", "acting_user": supervisor}
    with pytest.raises(Problem, match="换一位"):
        try_refusal_again(interviewer=interviewer, **again)
    assert try_refusal_again(interviewer=other_interviewer, **again) == 1
    door = doors_of(other_interviewer)[0]
    assert door.case == case and not door.is_closed
    visit(case, other_interviewer, "2.24", hours_ago=0)
    assert not doors_of(other_interviewer)[0].is_closed
    visit(case, other_interviewer, "2.111", hours_ago=0)
    assert doors_of(other_interviewer)[0].is_closed
    with pytest.raises(Problem, match="已经再试过一次"):
        try_refusal_again(interviewer=other_interviewer, **again)


def test_a_household_that_took_its_interview_back_is_not_tried_again(
    answered, case, other_interviewer, supervisor
):
    from_household = {"response": answered, "reason": "不想参加", "acting_user": supervisor}
    withdraw_response(**from_household)
    case.refresh_from_db()
    with pytest.raises(Problem, match="不能再去"):
        try_refusal_again(case=case, interviewer=other_interviewer, reason="再试", acting_user=supervisor)


def test_a_safety_note_is_sealed_and_shown_at_its_door_only(cases, interviewer):
    note = write_safety_note(case=cases[0], text="院里有狗", acting_user=interviewer)
    assert "院里有狗".encode() not in bytes(note.text_cipher)
    shown = {door.case.pk: door.safety for door in doors_of(interviewer)}
    assert shown[cases[0].pk] == ("院里有狗",) and shown[cases[1].pk] == ()
    assert "院里有狗" not in json.dumps(AuditEntry.objects.last().detail, ensure_ascii=False)


def test_an_interviewer_leaves_a_note_and_ends_a_door_when_the_visits_are_enough(field, cases, interviewer):
    case = cases[0]
    leave = field.url("leave", case)
    assert field.client.post(leave, {"safety": "楼道没灯"}).status_code == 302
    assert "楼道没灯" in field.client.get(field.url("door", case)).content.decode()
    assert field.client.post(leave, {}).status_code == 409
    here = localtime(now())  # where the interviewer is, for whom it may be Monday already
    sunday = here - timedelta(days=here.weekday() + 1)
    for week in range(4):
        moment = sunday - timedelta(weeks=week)
        record_contact(case=case, mode="door", at=moment, disposition="2.24", acting_user=interviewer)
    assert "次数够了" in field.client.get(field.url("door", case)).content.decode()
    assert field.client.post(leave, {}).status_code == 302
    assert case.door_closings.get().off_hours == 4


# --- review ---------------------------------------------------------------------------------------------
def test_an_interview_is_returned_with_a_comment_then_approved_and_all_stays(answered, supervisor):
    with pytest.raises(Problem, match="请写明"):
        review_response(response=answered, verdict="returned", comment=" ", acting_user=supervisor)
    with pytest.raises(Problem, match="不在这份答卷里"):
        review_response(
            response=answered, verdict="returned", comment="看", items=["nothing"], acting_user=supervisor
        )
    review_response(
        response=answered, verdict="returned", comment="年龄再核对", items=["age"], acting_user=supervisor
    )
    assert Review.objects.waiting().count() == 1 and Response.objects.counted().count() == 1
    review_response(response=answered, verdict="approved", comment="", acting_user=supervisor)
    assert Review.objects.waiting().count() == 0
    assert list(answered.reviews.values_list("verdict", flat=True)) == ["returned", "approved"]


def test_a_rejected_interview_counts_no_more_and_its_household_is_open_again(
    answered, case, supervisor, interviewer
):
    review_response(response=answered, verdict="rejected", comment="回访说没人来过", acting_user=supervisor)
    case.refresh_from_db()
    assert answered.state == "rejected" and case.status == "unknown"
    assert Response.objects.counted().count() == 0
    assert not next(d for d in doors_of(interviewer) if d.case == case).is_closed
    with pytest.raises(Problem) as refusal:
        review_response(response=answered, verdict="approved", comment="", acting_user=supervisor)
    assert refusal.value.code == "fieldwork.not_reviewable"


def test_nobody_reviews_where_he_does_not_supervise(answered, regions, interviewer):
    elsewhere = factories.make_user("feng", "supervisor", regions["370104000000"])
    for user in (elsewhere, interviewer):
        with pytest.raises(Problem) as refusal:
            review_response(response=answered, verdict="approved", comment="", acting_user=user)
        assert refusal.value.code == "common.forbidden"


# --- back-checks ----------------------------------------------------------------------------------------
@pytest.fixture
def interviews(round_, interviewer):
    made = factories.make_responses(round_, lambda i, case: {"Q01": 1 + i % 5, "age": 30 + i})
    Response.objects.update(mode="door", interviewer=interviewer)
    return made


def test_back_checks_are_drawn_by_a_logged_seed_that_repeats_them(interviews, round_, supervisor):
    draw = draw_backchecks(round=round_, acting_user=supervisor, seed="ab" * 32)
    drawn = set(draw.checks.values_list("response", flat=True))
    assert len(drawn) == 6  # at least six of twelve
    assert AuditEntry.objects.get(action="fieldwork.backchecks.drawn").detail["seed"] == "ab" * 32
    assert draw_backchecks(round=round_, acting_user=supervisor) is None  # nothing more is asked for
    BackCheck.objects.all().delete()
    draw.delete()
    again = draw_backchecks(round=round_, acting_user=supervisor, seed="ab" * 32)
    assert set(again.checks.values_list("response", flat=True)) == drawn


def test_a_household_that_was_not_reached_is_replaced_and_one_that_denies_asks_for_more(
    interviews, round_, supervisor
):
    checks = list(draw_backchecks(round=round_, acting_user=supervisor).checks.all())
    enter_backcheck(check=checks[0], mode="phone", reached=False, acting_user=supervisor)
    assert draw_backchecks(round=round_, acting_user=supervisor).checks.count() == 1
    good = {"reached": True, "was_asked": True, "right_person": True, "all_asked": True}
    for check in checks[1:5]:
        enter_backcheck(check=check, mode="phone", compared=3, agreed=2, acting_user=supervisor, **good)
    bad = enter_backcheck(
        check=checks[5], mode="visit", reached=True, was_asked=False, note="没人来过", acting_user=supervisor
    )
    assert bad.outcome == "mismatch" and "没人来过".encode() not in bytes(bad.note_cipher)
    assert draw_backchecks(round=round_, acting_user=supervisor).checks.count() == 5  # all that are left
    rate = board.match_by_interviewer(round_, supervisor)[interviews[0].interviewer_id or bad.interviewer_id]
    assert (rate["n"], rate["share"]) == (5, 0.8) and rate["low"] < 0.8 < rate["high"]
    assert board.item_match(round_, supervisor)["n"] == 12
    with pytest.raises(Problem):
        enter_backcheck(check=bad, mode="visit", reached=True, acting_user=supervisor)


def test_more_items_cannot_agree_than_were_compared(interviews, round_, supervisor):
    check = draw_backchecks(round=round_, acting_user=supervisor).checks.first()
    with pytest.raises(Problem, match="不能多过"):
        enter_backcheck(check=check, mode="phone", reached=True, compared=2, agreed=3, acting_user=supervisor)


# --- doubts and requests --------------------------------------------------------------------------------
def test_a_doubt_is_settled_once_with_a_word_where_it_is_confirmed(answered, case, supervisor):
    flag = Flag.objects.create(round=case.round, case=case, response=answered, kind="official_present")
    with pytest.raises(Problem, match="怎么处理"):
        settle_flag(flag=flag, verdict="confirmed", note="", acting_user=supervisor)
    settle_flag(flag=flag, verdict="explained", note="干部带路，没进门", acting_user=supervisor)
    flag.refresh_from_db()
    assert flag.verdict == "explained" and flag.subject.note == "干部带路，没进门"
    assert not board.open_flags(case.round, supervisor).exists()
    with pytest.raises(Problem):
        settle_flag(flag=flag, verdict="unclear", note="", acting_user=supervisor)


def test_a_deletion_that_was_found_to_be_hers_destroys_the_answers_and_is_done_once(
    answered, case, supervisor
):
    wanted = DataRequest.objects.create(
        round=case.round, case=case, kind="deletion", received_at=now(), due_on=now().date()
    )
    with pytest.raises(Problem, match="怎么核实"):
        answer_request(request=wanted, granted=True, note=" ", acting_user=supervisor)
    answer_request(request=wanted, granted=True, note="回拨核实", acting_user=supervisor)
    answered.refresh_from_db()
    case.refresh_from_db()
    assert answered.state == "withdrawn" and answered.answers == {} and case.status == "refused"
    wanted.refresh_from_db()
    assert wanted.done_at and wanted.outcome == "回拨核实"
    with pytest.raises(Problem):
        answer_request(request=wanted, granted=False, note="再来", acting_user=supervisor)


def test_a_request_that_cannot_be_proven_is_declined_and_destroys_nothing(
    answered, case, supervisor, regions
):
    wanted = DataRequest.objects.create(
        round=case.round, case=case, kind="deletion", received_at=now(), due_on=now().date()
    )
    elsewhere = factories.make_user("feng", "supervisor", regions["370104000000"])
    with pytest.raises(Problem):
        answer_request(request=wanted, granted=True, note="冒充", acting_user=elsewhere)
    answer_request(request=wanted, granted=False, note="说不出户号", acting_user=supervisor)
    answered.refresh_from_db()
    assert answered.state == "accepted"


# --- priorities and closing -----------------------------------------------------------------------------
def test_priorities_come_from_earlier_response_and_are_frozen_before_the_field(regions, supervisor):
    past = make_open_round(regions["370105000000"])
    factories.make_responses(
        past, lambda i, case: {"Q": 1} if case.community.path.startswith("370105001") else None
    )
    Round.objects.filter(pk=past.pk).update(state=Round.State.CLOSED)
    coming = Round.objects.create(study=past.study, number=2, name="下一轮", consent_text=past.consent_text)
    for case in past.cases.all():
        frame = case.draw.design.frame
        case.frame_unit = frame.units.get(position=case.frame_unit.position + 10)
        case.pk, case.opaque_id, case.round = None, uuid.uuid4(), coming
        case.save(force_insert=True)
    made = freeze_priorities(round=coming, acting_user=supervisor)
    worse = made.cases.filter(case__community__path__startswith="370105003")
    assert set(worse.values_list("priority_class", flat=True)) == {1}
    assert max(worse.values_list("propensity", flat=True)) < min(
        made.cases.exclude(pk__in=worse.values("pk")).values_list("propensity", flat=True)
    )
    assert freeze_priorities(round=coming, acting_user=supervisor).pk == made.pk
    columns = board.response_model_columns(coming)
    assert len({len(values) for values in columns.values()}) == 1 and "answers" not in columns
    first = board.next_visits(coming, supervisor)[0]
    assert first["priority_class"] == 1


def test_an_open_field_without_a_list_stays_without_one(round_, supervisor):
    with pytest.raises(Problem) as refusal:
        freeze_priorities(round=round_, acting_user=supervisor)
    assert refusal.value.code == "fieldwork.priorities_frozen"
    assert board.next_visits(round_, supervisor) == []


def test_closing_freezes_rates_that_match_a_hand_calculation(round_, interviews, supervisor, interviewer):
    """12 cases. By hand: 4 complete, 1 partial, 2 refusals, 2 non-contacts, 1 other, 1 unknown, 1 vacant.

    e = 10 / 11; RR1 = 4 / (10 + 1), RR2 = 5 / 11, RR3 = 4 / (10 + 10/11), RR5 = 4 / 10, COOP1 = 4 / 8,
    REF1 = 2 / 11, CON1 = 8 / 11.
    """
    cases = list(round_.cases.order_by("number"))
    Response.objects.exclude(case__in=cases[:5]).delete()
    codes = ["1.1"] * 4 + ["1.2"] + ["2.111", "2.112", "2.24", "2.23", "2.32", "3.90", "4.61"]
    for case, code in zip(cases, codes, strict=True):
        visit(case, interviewer, code)
    frozen = close_field(round=round_, acting_user=supervisor)
    rates = frozen.outcome["rates"]
    e = 10 / 11
    expected = {
        "RR1": 4 / 11, "RR2": 5 / 11, "RR3": 4 / (10 + e), "RR4": 5 / (10 + e), "RR5": 0.4, "RR6": 0.5,
        "COOP1": 0.5, "REF1": 2 / 11, "CON1": 8 / 11,
    }  # fmt: skip
    assert frozen.outcome["counts"] == {
        "I": 4, "P": 1, "R": 2, "NC": 2, "O": 1, "UH": 0, "UO": 1, "NE": 1,
    }  # fmt: skip
    assert frozen.outcome["e"] == pytest.approx(e)
    for name, value in expected.items():
        assert rates[name] == pytest.approx(value), name
    assert frozen.outcome["noncontacts"] == {"n": 3, "under_tried": 3}
    assert not Assignment.objects.filter(ended_at__isnull=True).exists()
    round_.refresh_from_db()
    assert round_.state == "closed"
    Response.objects.all().delete()  # what comes later does not move it
    assert close_field(round=round_, acting_user=supervisor).outcome == frozen.outcome
    assert FieldOutcome.objects.count() == 1


def test_an_interviewer_does_not_close_the_field(round_, interviewer):
    with pytest.raises(Problem):
        close_field(round=round_, acting_user=interviewer)


# --- the board ------------------------------------------------------------------------------------------
def test_the_board_counts_by_community_and_shows_only_what_the_supervisor_supervises(
    interviews, round_, supervisor, regions
):
    Response.objects.filter(case__in=round_.cases.order_by("number")[:6]).delete()
    tree = board.tiles(round_, supervisor, goal=0.5)
    tiles = [tile for streets in tree.values() for some in streets.values() for tile in some]
    assert sum(tile.n_cases for tile in tiles) == 12 and sum(tile.n_done for tile in tiles) == 6
    assert {tile.band for tile in tiles} == {0, 3}
    full = next(tile for tile in tiles if tile.n_done)
    assert (full.target, full.share, full.done_pct) == (1.5, 2.0, 100.0)  # 3 answers where 1.5 are wanted
    elsewhere = factories.make_user("feng", "supervisor", regions["370104000000"])
    assert board.tiles(round_, elsewhere, goal=0.5) == {}
    assert board.workers(round_, elsewhere) == []
    assert [w.n_done for w in board.workers(round_, supervisor)] == [6]


def test_the_page_of_interviewers_says_which_streets_fall_behind(client, interviews, round_, supervisor):
    Response.objects.filter(case__in=round_.cases.order_by("number")[:6]).delete()
    found = board.deficits(round_)
    assert found.n_cases.tolist() == [6, 6] and found.rate.tolist() == [0.0, 1.0]
    client.force_login(supervisor)
    page = client.get(reverse("console:field_people", args=[round_.pk])).content.decode()
    assert "哪里落后" in page and "无影山街道" in page and "天桥东街街道" not in page


def test_who_got_doors_today_is_not_late_yet(round_, cases, supervisor, interviewer):
    def late():
        return [worker.needs_help for worker in board.workers(round_, supervisor)]

    assert late() == [False]
    Assignment.objects.update(assigned_at=now() - timedelta(days=4))
    assert late() == [True]
    record_contact(case=cases[0], mode="door", at=now(), disposition="2.24", acting_user=interviewer)
    assert late() == [False]
