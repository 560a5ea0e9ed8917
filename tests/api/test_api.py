"""The REST face: rows of one's own subtree, refusals in words, tokens that expire, a true schema."""

from datetime import timedelta

import pytest
from django.test import Client
from knox.models import AuthToken

from survey.common.clock import now
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LISTS = ["regions", "studies", "rounds", "questionnaires", "samples", "cases", "responses", "reports", "jobs"]


def api(user, **headers) -> Client:
    _, token = AuthToken.objects.create(user, expiry=timedelta(days=1))
    return Client(headers={"authorization": f"Token {token}", "accept": "application/json", **headers})


def test_nobody_gets_in_without_a_token(regions):
    for name in LISTS:
        answer = Client().get(f"/api/v1/{name}/")
        assert answer.status_code in (401, 403), name
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]


def test_an_expired_token_is_refused(lead):
    client = api(lead)
    AuthToken.objects.update(expiry=now() - timedelta(minutes=1))
    assert client.get("/api/v1/regions/").status_code == 401


def test_a_token_is_stored_hashed(lead):
    row, token = AuthToken.objects.create(lead, expiry=timedelta(days=1))
    assert token not in (row.digest, row.token_key)


@pytest.mark.parametrize("name", LISTS)
def test_a_study_lead_reads_every_list(lead, name):
    answer = api(lead).get(f"/api/v1/{name}/")
    assert answer.status_code == 200
    assert set(answer.json()) == {"count", "next", "previous", "results"}


def test_regions_are_cut_to_the_subtree_and_filtered(official, regions):
    client = api(official)
    codes = {r["code"] for r in client.get("/api/v1/regions/?page_size=100").json()["results"]}
    assert "370105001001" in codes
    assert not any(code.startswith("370104") for code in codes)
    streets = client.get("/api/v1/regions/?level=street").json()
    assert streets["count"] == 2
    assert client.get("/api/v1/regions/370104001000/").status_code == 404


def test_an_official_gets_no_sample_no_case_and_no_response(official, regions):
    factories.make_drawn_round(regions["370105000000"])
    client = api(official)
    for name in ("samples", "cases", "responses", "jobs"):
        answer = client.get(f"/api/v1/{name}/")
        assert answer.status_code == 403, name
        assert "results" not in answer.json()


def test_cases_carry_exact_probabilities_and_nothing_to_find_a_door_by(lead, regions):
    drawn = factories.make_drawn_round(regions["370105000000"])
    rows = api(lead).get("/api/v1/cases/?page_size=500").json()["results"]
    assert rows
    assert {str(c.opaque_id) for c in drawn.cases.all()} >= {r["opaque_id"] for r in rows}
    for row in rows:
        top, bottom = map(int, row["stage2_exact"].split("/"))
        assert row["stage2_probability"] == pytest.approx(top / bottom, rel=1e-12)
        assert not {"address", "code", "phone", "frame_unit"} & set(row)


def test_a_study_is_created_in_ones_own_region_only(lead, official, regions):
    body = {
        "title": "天桥区居民满意度调查",
        "region": "370105000000",
        "scope": ["370105000000"],
        "sponsor": "天桥区调查组",
        "purpose": "看看哪些事该先办",
        "contact_phone": "0531-12345",
        "population": "18 岁及以上常住居民",
    }
    made = api(lead).post("/api/v1/studies/", body, content_type="application/json")
    assert made.status_code == 201, made.json()
    assert made.json()["region"] == "370105000000"
    assert api(official).post("/api/v1/studies/", body, content_type="application/json").status_code == 403
    neighbour = factories.make_user("chen", "study_lead", regions["370104000000"])
    assert api(neighbour).post("/api/v1/studies/", body, content_type="application/json").status_code == 403


def test_a_wrong_body_is_refused_field_by_field(lead):
    answer = api(lead).post("/api/v1/studies/", {"title": ""}, content_type="application/json")
    assert answer.status_code == 400
    problem = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert {"title", "region", "sponsor"} <= {e["field"] for e in problem["errors"]}
    assert problem["status"] == 400


def test_opening_a_round_that_is_not_ready_says_what_is_missing(lead, regions):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    answer = api(lead).post(f"/api/v1/rounds/{round_.pk}/open/")
    assert answer.status_code == 409
    assert answer.json()["code"] == "study.not_ready"


def test_problems_speak_the_readers_language(lead):
    chinese = api(lead).get("/api/v1/regions/1/").json()
    assert chinese["detail"].startswith("没有找到")


def test_estimates_ask_for_a_report(lead):
    client = api(lead)
    assert client.get("/api/v1/estimates/").status_code == 400
    assert client.get("/api/v1/estimates/?report=none").status_code == 404


def test_the_openapi_document_names_every_list(lead):
    paths = Client().get("/api/schema/?format=json").json()["paths"]
    assert {f"/api/v1/{name}/" for name in [*LISTS, "estimates"]} <= set(paths)
