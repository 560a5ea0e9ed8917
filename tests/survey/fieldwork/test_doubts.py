"""Doubts are raised once, with evidence and without answers, and come back only with more."""

import io
import json
import uuid
from datetime import timedelta

import pytest
from PIL import Image, ImageDraw

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.fieldwork.field_columns import coded_items, read_field
from survey.fieldwork.models import CallbackPhone, FlagSubject
from survey.fieldwork.pictures import fingerprint
from survey.fieldwork.services import keep_phone, settle_flag
from survey.fieldwork.services.raising import raise_doubts
from survey.responses.models import Flag, Response
from tests import factories
from tests.residents import make_open_round

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def team(regions):
    return [
        factories.make_user(name, "interviewer", regions["370105000000"]) for name in ("a", "b", "c", "d")
    ]


@pytest.fixture
def field_round(regions, team):
    """120 interviews: four interviewers take turns in each community."""
    round_ = make_open_round(regions["370105000000"], take=30, households=40)
    factories.make_responses(round_, lambda i, case: {"Q01": 1 + i % 5, "trust": i % 11, "sex": 1 + i % 2})
    rows = []
    for i, response in enumerate(Response.objects.order_by("case__number")):
        response.mode, response.interviewer, response.path = "door", team[i % 4], ["Q01", "trust", "sex"]
        response.submitted_at = now() - timedelta(hours=400 - 3 * i)
        response.paradata = {"started_at": (response.submitted_at - timedelta(minutes=9)).isoformat()}
        rows.append(response)
    Response.objects.bulk_update(rows, ["mode", "interviewer", "path", "submitted_at", "paradata"])
    return round_


def phones(round_, who, number, n):
    for response in Response.objects.filter(interviewer=who)[:n]:
        keep_phone(case=response.case, phone=number, acting_user=who)


def test_one_number_in_many_households_is_a_doubt_about_whoever_brought_it(field_round, team):
    for k, response in enumerate(Response.objects.all()):
        if response.interviewer_id != team[0].pk:
            keep_phone(case=response.case, phone=f"138{k:08d}", acting_user=response.interviewer)
    phones(field_round, team[0], "139 0000 0000", 12)
    result = raise_doubts(round=field_round, acting_user=SYSTEM)
    flag = Flag.objects.get(kind="phone")
    assert result["interviews"] == 120 and flag.subject.interviewer == team[0]
    assert (flag.evidence["n"], flag.evidence["of"]) == (12, 12) and flag.evidence["beyond_chance"]
    assert flag.subject.region.path.startswith("370105")
    assert "1390000" not in json.dumps(flag.evidence)
    assert not CallbackPhone.objects.filter(phone_hash__contains="139").exists()


def test_the_same_doubt_is_renewed_and_comes_back_after_a_verdict_only_with_more(field_round, team, lead):
    phones(field_round, team[0], "13900000000", 3)
    raise_doubts(round=field_round, acting_user=SYSTEM)
    assert raise_doubts(round=field_round, acting_user=SYSTEM)["raised"] == 0
    flag = Flag.objects.get(kind="phone")
    settle_flag(flag=flag, verdict="explained", note="一家三户", acting_user=lead)
    raise_doubts(round=field_round, acting_user=SYSTEM)
    assert Flag.objects.filter(kind="phone").count() == 1
    phones(field_round, team[0], "13900000000", 5)
    raise_doubts(round=field_round, acting_user=SYSTEM)
    assert Flag.objects.filter(kind="phone").count() == 2
    assert FlagSubject.objects.get(key=f"phone:{team[0].pk}").flag.settled_at is None


def test_interviews_that_cannot_have_been_walked_are_listed_with_the_one_before(field_round, team):
    mine = list(Response.objects.filter(interviewer=team[1]).order_by("submitted_at")[:8])
    moment = now()
    for k, response in enumerate(mine):  # one ends, the next begins within the minute
        response.submitted_at = moment - timedelta(minutes=100 - 10 * k)
        response.paradata = {"started_at": (response.submitted_at - timedelta(minutes=9.5)).isoformat()}
        response.save(update_fields=["submitted_at", "paradata"])
    raise_doubts(round=field_round, acting_user=SYSTEM)
    flag = Flag.objects.get(kind="rushed")
    assert flag.subject.interviewer == team[1] and flag.evidence["n"] == 7
    one = flag.evidence["interviews"][0]
    assert one["gap_s"] == pytest.approx(30) and uuid.UUID(one["other"])


def test_nothing_is_raised_before_the_first_interview(regions):
    round_ = make_open_round(regions["370105000000"])
    assert raise_doubts(round=round_, acting_user=SYSTEM) == {"interviews": 0, "raised": 0, "renewed": 0}
    assert read_field(round_) is None


def test_codes_follow_their_value_and_missing_ones_are_none(field_round):
    first = Response.objects.order_by("submitted_at").first()
    first.answers = {"Q01": -1, "trust": 10, "sex": 2}
    first.save(update_fields=["answers"])
    found = read_field(field_round)
    row = [r.pk for r in found.responses].index(first.pk)
    codes = dict(zip(found.items, found.data.codes[row].tolist(), strict=True))
    assert codes == {"Q01": -1, "trust": 10, "sex": 1} and found.data.n_unsure[row] == 1


def test_neighbouring_items_with_one_scale_make_a_block():
    items = [{"name": f"Q{k}", "type": "select_one", "list": "S"} for k in range(5)]
    document = {"choice_lists": {"S": [{"code": 1}]}, "blocks": [{"name": "b", "items": items}]}
    assert coded_items(document)[1] == [[0, 1, 2, 3, 4]]


def door(seed, size=(640, 480), quality=85):
    picture = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(picture)
    for k in range(12):
        x, y = (seed * 37 * (k + 1)) % 560, (seed * 53 * (k + 2)) % 400
        draw.rectangle(
            [x, y, x + 80, y + 60], fill=((seed * 11 * k) % 255, (seed * 71 * k) % 200, (k * 40) % 255)
        )
    written = io.BytesIO()
    picture.resize(size).save(written, "JPEG", quality=quality)
    return written.getvalue()


def test_a_picture_used_again_has_nearly_the_same_fingerprint_and_another_door_has_not():
    first, again, other = fingerprint(door(3)), fingerprint(door(3, (320, 240), 40)), fingerprint(door(5))
    assert (first ^ again).bit_count() <= 4 < 10 < (first ^ other).bit_count()
