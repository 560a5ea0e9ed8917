"""The population's page: what a list covers, how it differs from the last one, whether it was altered."""

import pytest

from survey.audit.services import SYSTEM
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.models import FrameUnit
from survey.sampling.services import import_households
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def check(team, round_, frame):
    answer = team.post(f"/console/rounds/{round_.pk}/frame/{frame.pk}/check/")
    job = Job.objects.get(kind="sampling.check_frame", state=Job.State.PENDING)
    assert answer.url == f"/console/jobs/{job.pk}/"
    run_job(str(job.pk))
    return team.get(f"/console/rounds/{round_.pk}/frame/").content.decode()


@pytest.fixture
def frame(round_):
    return factories.FrameVersion.objects.get()


def test_a_sound_list_is_said_to_be_sound_and_when(team, round_, frame):
    assert "还没有核对过" in team.get(f"/console/rounds/{round_.pk}/frame/").content.decode()
    text = check(team, round_, frame)
    assert "没有改动：每一户都和导入时一样。" in text
    assert "核对）" in text


def test_an_altered_household_is_named_by_its_place(team, round_, frame):
    unit = frame.units.order_by("position")[6]
    FrameUnit.objects.filter(pk=unit.pk).update(is_collective=True)
    text = check(team, round_, frame)
    assert "和导入时不一样" in text
    assert f"名单第 {unit.position} 户" in text and unit.community.name in text


def test_the_list_of_another_place_is_not_found(team, round_, regions):
    other = factories.make_frame(regions["370104000000"])
    assert team.post(f"/console/rounds/{round_.pk}/frame/{other.pk}/check/").status_code == 404


def test_the_next_list_says_what_changed(team, round_, regions, tmp_path):
    lines = ["社区代码,地址"]
    for community in ("370105001001", "370105001002", "370105003001"):
        lines += [f"{community},{n} 号" for n in range(1, 61 if community.endswith("1001") else 31)]
    path = tmp_path / "second.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    import_households(path=path, name="新名录", region=regions["370105000000"], acting_user=SYSTEM)
    text = team.get(f"/console/rounds/{round_.pk}/frame/").content.decode()
    assert "和上一版比" in text
    assert "家庭户 180，这一版 120" in text
    assert "+30" in text and "-30" in text
