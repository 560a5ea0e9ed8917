"""Commit, draw and release through the pages."""

import hashlib
from datetime import timedelta

import pytest
from django.utils.timezone import localtime

from survey.common.clock import now
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.models import Case, Design, Draw
from survey.studies.models import Round
from tests.survey.console.wizard import commit, commitment, send, settle

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def local(moment):
    """A moment as the browser's calendar sends it."""
    return f"{localtime(moment):%Y-%m-%dT%H:%M}"


def draw_page(round_, draw):
    return f"/console/rounds/{round_.pk}/sampling/draws/{draw.pk}/"


def draw_now(team, round_, design_path, value="演示", **values):
    """Commit and draw as the pages do, the job included."""
    draw = commit(team, design_path, **values)
    team.post(f"{draw_page(round_, draw)}draw/", {"value": value})
    run_job(str(Job.objects.filter(kind="sampling.draw").order_by("-created_at").first().pk))
    draw.refresh_from_db()
    return draw


def test_a_design_shows_its_plan_before_anything_is_stored_or_drawn(team, round_):
    send(team, round_, "design", method="proportional", n_psus="4", take="5")
    page = team.get(f"/console/rounds/{round_.pk}/sampling/design/")
    represented = sum(s["weight"] * s["n_cases"] for s in page.context["strata"] + page.context["certain"])
    assert represented == pytest.approx(180)
    assert not Design.objects.exists()
    path = settle(team, round_, n_psus="4", take="5")
    row = Design.objects.get()
    assert path == f"/console/rounds/{round_.pk}/sampling/designs/{row.pk}/"
    stored = team.get(path)
    assert "20 户" in stored.content.decode()
    assert sum(s.weight * s.n_psus_take * 5 for s in stored.context["strata"]) == pytest.approx(180)
    assert not Draw.objects.exists()


def test_a_design_that_cannot_be_met_says_what_could(team, round_):
    answer = send(team, round_, "design", go="on", method="proportional", n_psus="50", take="5")
    assert answer.url.endswith("/sampling/design/")
    text = team.get(f"/console/rounds/{round_.pk}/sampling/design/").content.decode()
    assert "最多抽 6 个社区" in text
    send(team, round_, "design", n_psus="4", take="200")
    text = team.get(f"/console/rounds/{round_.pk}/sampling/design/").content.decode()
    assert "最多抽 90 户" in text
    refused = team.post(f"/console/rounds/{round_.pk}/sampling/settle/", follow=True)
    assert "最多抽 90 户" in refused.content.decode()
    assert not Design.objects.exists()


def test_a_street_is_left_out_only_with_a_reason(team, round_, regions):
    kept = [str(regions["370105001000"].pk)]
    page = send(team, round_, "population", go="on", streets=kept)
    assert "请写明理由" in page.content.decode()
    send(team, round_, "population", streets=kept, exclude_reason="整体搬迁")
    settle(team, round_, n_psus="2", take="5")
    assert Design.objects.get().spec["exclude"] == [{"code": "370105003000", "reason": "整体搬迁"}]


def test_committing_needs_the_tick_and_publishes_everything_but_the_secret(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    team.post(f"{path}commit/", commitment(sure=""))
    assert not Draw.objects.exists()
    draw = commit(team, path)
    assert draw.state == Draw.State.COMMITTED
    text = team.get(f"{draw_page(round_, draw)}commitment/").content.decode()
    for shown in (draw.commitment_hash, draw.design.frame.frame_hash, draw.parties.get().secret_hash):
        assert shown in text
    file = team.get(f"{draw_page(round_, draw)}commitment.json")
    assert hashlib.sha256(file.content).hexdigest() == draw.commitment_hash
    assert Design.objects.get().locked_at is not None


def test_a_lottery_is_named_exactly_and_waits_for_its_evening(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    page = team.post(f"{path}commit/", commitment(kind="lottery", game="双色球", issue="", at=""))
    assert {"issue", "at"} <= set(page.context["form"].errors)
    soon = local(now() + timedelta(minutes=2))
    page = team.post(f"{path}commit/", commitment(kind="lottery", game="双色球", issue="2026136", at=soon))
    assert "10 分钟以后" in page.content.decode()
    later = local(now() + timedelta(days=3, hours=9))
    team.post(f"{path}commit/", commitment(kind="lottery", game="双色球", issue="2026136", at=later))
    draw = Draw.objects.get()
    assert draw.beacon_name == "双色球 2026136 期"
    text = team.get(draw_page(round_, draw)).content.decode()
    assert "还有 3 天 8 小时" in text
    team.post(f"{draw_page(round_, draw)}draw/", {"value": "03 09 14 21 26 32+07"})
    assert not Job.objects.filter(kind="sampling.draw").exists()


def test_a_drand_round_is_computed_from_its_time(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    at = (now() + timedelta(days=1)).replace(second=0, microsecond=0)
    team.post(f"{path}commit/", commitment(kind="drand", chain="default", at=local(at)))
    draw = Draw.objects.get()
    # https://api.drand.sh/8990e7a9…/info: genesis 1595431050, a round every 30 seconds.
    number = int(draw.beacon_name.split("第 ")[1].split(" ")[0])
    assert 1595431050 + (number - 1) * 30 == draw.beacon_at.timestamp()
    assert 0 <= (draw.beacon_at - at).total_seconds() < 30


def test_drawing_gives_the_cases_and_shows_no_seed(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    draw = draw_now(team, round_, path)
    assert draw.state == Draw.State.DRAWN
    page = team.get(draw_page(round_, draw))
    text = page.content.decode()
    assert draw.result_hash in text
    assert draw.seed not in text
    assert Case.objects.filter(draw=draw).count() == 20
    assert page.context["chances"]["weights"] == "180"
    assert sum(row["n_cases"] for row in page.context["by_street"]) == 20


def test_a_party_s_secret_must_be_the_one_that_was_committed_to(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    secret = bytes(range(32))
    digest = hashlib.sha256(secret).hexdigest()
    draw = commit(team, path, party1="居民代表", hash1=digest)
    page = draw_page(round_, draw)
    assert "还差 1 方的秘密" in team.get(page).content.decode()
    wrong = team.post(f"{page}secret/", {"party": 2, "secret": "0" * 64}, follow=True)
    assert "指纹不符" in wrong.content.decode()
    team.post(f"{page}secret/", {"party": 2, "secret": secret.hex()})
    assert "填上开出来的号码" in team.get(page).content.decode()
    assert secret.hex() not in team.get(page).content.decode()


def test_a_witness_is_written_down(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    draw = commit(team, path)
    page = draw_page(round_, draw)
    body = {"kind": "publication", "authority": "济南日报", "address": "https://example.cn/a"}
    body["stamped_at"] = local(now())
    team.post(f"{page}timestamp/", body | {"address": ""})
    assert not draw.timestamps.exists()
    team.post(f"{page}timestamp/", body)
    assert "济南日报" in team.get(f"{page}commitment/").content.decode()


def test_a_commitment_is_given_up_with_a_reason_and_stays_in_sight(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    draw = commit(team, path)
    team.post(f"{draw_page(round_, draw)}void/", {"sure": "on"})
    draw.refresh_from_db()
    assert draw.state == Draw.State.COMMITTED
    team.post(f"{draw_page(round_, draw)}void/", {"sure": "on", "reason": "期号写错了"})
    text = team.get(f"/console/rounds/{round_.pk}/sampling/").content.decode()
    assert "期号写错了" in text
    assert "作废" in text


def test_a_second_draw_needs_a_reason_and_keeps_the_first(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    draw_now(team, round_, path)
    page = team.post(f"{path}commit/", commitment(reason=""))
    assert "理由" in page.content.decode()
    assert Draw.objects.count() == 1
    draw_now(team, round_, path, reason="名录漏了一个小区")
    assert sorted(Draw.objects.values_list("state", flat=True)) == ["drawn", "void"]
    text = team.get(f"/console/rounds/{round_.pk}/sampling/").content.decode()
    assert "名录漏了一个小区" in text
    assert "作废" in text


def test_reserves_are_released_whole_with_a_reason(team, round_):
    path = settle(team, round_, n_psus="4", take="5", reserve_replicates="2", reserve_take="2")
    draw = draw_now(team, round_, path)
    page = draw_page(round_, draw)
    assert Case.objects.released().count() == 20
    team.post(f"{page}release/", {"number": 1, "sure": "on"})
    assert Case.objects.released().count() == 20
    team.post(f"{page}release/", {"number": 1, "sure": "on", "reason": "回收不够"})
    assert Case.objects.released().count() == 28
    skipped = team.post(f"{page}release/", {"number": 1, "sure": "on", "reason": "再来"})
    assert skipped.status_code >= 400
    assert Case.objects.released().count() == 28


def test_nothing_is_committed_after_the_field_has_opened_or_closed(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    draw_now(team, round_, path)
    for state in (Round.State.OPEN, Round.State.CLOSED):
        Round.objects.filter(pk=round_.pk).update(state=state)
        team.post(f"{path}commit/", commitment(reason="想换一批"))
        assert Draw.objects.count() == 1


def test_everything_is_revealed_once_and_only_after_the_field(team, round_):
    path = settle(team, round_, n_psus="4", take="5")
    draw = draw_now(team, round_, path)
    page = draw_page(round_, draw)
    team.post(f"{page}reveal/", {"sure": "on"})
    draw.refresh_from_db()
    assert draw.revealed_at is None
    Round.objects.filter(pk=round_.pk).update(state=Round.State.CLOSED)
    assert "公开秘密，任人重算" in team.get(page).content.decode()
    team.post(f"{page}reveal/", {"sure": "on"})
    draw.refresh_from_db()
    assert draw.revealed_at is not None
