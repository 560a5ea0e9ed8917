"""Design, plan, draw and release through the pages."""

import pytest

from survey.sampling.models import Case, Design, Draw
from survey.studies.models import Round
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def framed(regions):
    """A draft round of 天桥区 whose frame is ready: 6 communities of 30 households."""
    from survey.sampling.services import import_households

    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    return round_, import_households


@pytest.fixture
def round_(framed, tmp_path, lead, regions):
    round_, import_households = framed
    lines = ["社区代码,地址"]
    for code, region in regions.items():
        if region.level == "community" and code.startswith("370105"):
            lines += [f"{code},{region.name} {n} 号" for n in range(1, 31)]
    path = tmp_path / "frame.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    import_households(path=path, name="台账", region=regions["370105000000"], acting_user=lead)
    return round_


def design(team, round_, **values):
    page = team.get(f"/console/rounds/{round_.pk}/sampling/design/")
    form = page.context["form"]
    body = {
        "frame": form.fields["frame"].queryset.get().pk,
        "n_psus": 4,
        "take": 5,
        "streets": [street.pk for street in form.fields["streets"].queryset],
        "reserve_replicates": 0,
        "exclude_reason": "",
    }
    return team.post(f"/console/rounds/{round_.pk}/sampling/design/", body | values)


def test_a_design_shows_its_plan_before_anything_is_drawn(team, round_):
    answer = design(team, round_)
    row = Design.objects.get()
    assert answer.url == f"/console/rounds/{round_.pk}/sampling/designs/{row.pk}/"
    page = team.get(answer.url)
    text = page.content.decode()
    assert "抽取 20 户" in text
    assert not Draw.objects.exists()
    strata = page.context["strata"]
    represented = sum(s.weight * s.n_psus_take * 5 for s in strata)
    assert represented == pytest.approx(180)


def test_a_design_that_cannot_be_met_says_what_could(team, round_):
    page = design(team, round_, n_psus=50).content.decode()
    assert "最多抽 6 个社区" in page
    page = design(team, round_, take=200).content.decode()
    assert "90 户" in page
    assert not Design.objects.exists()


def test_a_street_is_left_out_only_with_a_reason(team, round_, regions):
    kept = [regions["370105001000"].pk]
    page = design(team, round_, streets=kept, n_psus=2).content.decode()
    assert "请写明理由" in page
    design(team, round_, streets=kept, n_psus=2, exclude_reason="整体搬迁")
    spec = Design.objects.get().spec
    assert spec["exclude"] == [{"code": "370105003000", "reason": "整体搬迁"}]


def test_drawing_needs_the_tick_and_gives_the_cases(team, round_):
    path = design(team, round_).url
    team.post(f"{path}draw/", {})
    assert not Draw.objects.exists()
    answer = team.post(f"{path}draw/", {"sure": "on"})
    draw = Draw.objects.get()
    assert answer.url == f"/console/rounds/{round_.pk}/sampling/draws/{draw.pk}/"
    text = team.get(answer.url).content.decode()
    assert draw.result_hash in text
    assert draw.seed not in text
    assert Case.objects.filter(draw=draw).count() == 20


def test_a_second_draw_needs_a_reason_and_keeps_the_first(team, round_):
    path = design(team, round_).url
    team.post(f"{path}draw/", {"sure": "on"})
    team.post(f"{path}draw/", {"sure": "on"})
    assert Draw.objects.count() == 1
    team.post(f"{path}draw/", {"sure": "on", "reason": "名录漏了一个小区"})
    assert sorted(Draw.objects.values_list("state", flat=True)) == ["drawn", "void"]
    text = team.get(f"/console/rounds/{round_.pk}/sampling/").content.decode()
    assert "名录漏了一个小区" in text
    assert "作废" in text


def test_reserves_are_released_whole_with_a_reason(team, round_):
    path = design(team, round_, reserve_replicates=2, reserve_take=2).url
    team.post(f"{path}draw/", {"sure": "on"})
    draw = Draw.objects.get()
    page = f"/console/rounds/{round_.pk}/sampling/draws/{draw.pk}/"
    assert Case.objects.released().count() == 20
    team.post(f"{page}release/", {"number": 1, "sure": "on"})
    assert Case.objects.released().count() == 20
    team.post(f"{page}release/", {"number": 1, "sure": "on", "reason": "回收不够"})
    assert Case.objects.released().count() == 28
    skipped = team.post(f"{page}release/", {"number": 1, "sure": "on", "reason": "再来"})
    assert skipped.status_code >= 400
    assert Case.objects.released().count() == 28


def test_nothing_is_drawn_after_the_field_has_opened_or_closed(team, round_):
    path = design(team, round_).url
    team.post(f"{path}draw/", {"sure": "on"})
    for state in (Round.State.OPEN, Round.State.CLOSED):
        Round.objects.filter(pk=round_.pk).update(state=state)
        answer = team.post(f"{path}draw/", {"sure": "on", "reason": "想换一批"})
        assert answer.status_code == 409
        assert Draw.objects.count() == 1
