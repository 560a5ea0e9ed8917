"""Sampling through the REST face: from a design to the public certificate, and who may do what."""

import json

import pytest
from django.test import Client

from survey.audit.services import SYSTEM
from survey.common.clock import now, today
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.commitment import hash_secret
from survey.sampling.models import Draw
from survey.sampling.services import create_design, reveal_draw
from survey.studies.models import Round
from tests import factories
from tests.api.test_api import api

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SPEC = {
    "stages": [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": 3},
    ],
    "n_psus": 4,
    "reserve_replicates": 1,
}
SECRET = "5a" * 32
NEW_LISTS = ["frames", "designs"]


@pytest.fixture
def round_(regions):
    return factories.make_round(factories.make_study(regions["370105000000"]))


@pytest.fixture
def frame(regions):
    return factories.make_frame(regions["370105000000"], households=12, is_simulated=True)


@pytest.fixture
def design(round_, frame):
    return create_design(round=round_, frame=frame, spec=SPEC, acting_user=SYSTEM)


def send(client, path, body=None):
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def commitment(design, **more):
    body = {
        "design": design.pk,
        "beacon_kind": "demo",
        "beacon_name": "测试",
        "beacon_at": now().isoformat(),
        "reveal_by": str(today().replace(year=today().year + 1)),
    }
    return {**body, **more}


def commit(client, design, **more):
    answer = send(client, "samples/", commitment(design, **more))
    assert answer.status_code == 201, answer.json()
    return answer.json()


def draw_it(client, pk, beacon="03 09 14 21 26 32+07"):
    answer = send(client, f"samples/{pk}/draw/", {"beacon": beacon})
    assert answer.status_code == 202, answer.json()
    run_job(answer.json()["id"])
    return client.get(f"/api/v1/jobs/{answer.json()['id']}/").json()


def test_the_whole_way_from_a_design_to_a_certificate_that_verifies(lead, round_, frame):
    client = api(lead)
    made = send(client, "designs/", {"round": round_.pk, "frame": frame.pk, "spec": SPEC})
    assert made.status_code == 201, made.json()
    assert made.json()["n_cases"] == 12 and made.json()["plan"]["n_households"] == 72
    parties = [{"name": "居民代表", "secret_hash": hash_secret(bytes.fromhex(SECRET))}]
    design = type("D", (), {"pk": made.json()["id"]})
    draw = commit(client, design, parties=parties)
    assert [p["name"] for p in draw["parties"]] == ["济南市居民满意度调查组", "居民代表"]
    stamp = {"kind": "notary", "authority": "公证处", "stamped_at": now().isoformat(), "note": "第 1 号"}
    assert send(client, f"samples/{draw['id']}/timestamp/", stamp).status_code == 201
    assert draw_it(client, draw["id"])["state"] == "failed"  # a secret is missing
    given = send(client, f"samples/{draw['id']}/secret/", {"party": 2, "secret": SECRET})
    assert given.status_code == 200 and "secret" not in given.json()
    assert draw_it(client, draw["id"])["state"] == "done"
    assert client.get("/api/v1/cases/").json()["count"] == 12
    released = send(client, f"samples/{draw['id']}/release/", {"number": 1, "reason": "回收率低"})
    assert released.status_code == 200 and released.json()["released_at"]
    assert client.get("/api/v1/cases/").json()["count"] == 16
    early = send(client, f"samples/{draw['id']}/reveal/")
    assert early.status_code == 409 and early.json()["code"] == "sampling.not_closed"
    Round.objects.filter(pk=round_.pk).update(state=Round.State.CLOSED, closed_at=now())
    shown = send(client, f"samples/{draw['id']}/reveal/")
    assert shown.status_code == 200 and shown.json()["public_state"] == "revealed"
    public = Client().get(f"/api/v1/public/draws/{draw['id']}/certificate/")
    assert public.json() == client.get(f"/api/v1/samples/{draw['id']}/certificate/").json()
    assert public.json()["stage"] == "revealed"


def test_a_design_that_cannot_be_met_says_what_could_be(lead, round_, frame):
    spec = {**SPEC, "n_psus": 99}
    answer = send(api(lead), "designs/", {"round": round_.pk, "frame": frame.pk, "spec": spec})
    assert answer.status_code == 400
    assert answer.json()["code"] == "sampling.impossible" and "最多抽" in answer.json()["detail"]


def test_wrong_bodies_are_refused_field_by_field(lead, round_, frame, design):
    client = api(lead)
    answer = send(client, "designs/", {"round": 999, "frame": frame.pk, "spec": SPEC})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "round"
    answer = send(client, "samples/", {})
    assert {"design", "beacon_kind", "beacon_at", "reveal_by"} <= {
        e["field"] for e in answer.json()["errors"]
    }
    party = [{"name": "甲", "secret_hash": "not hex"}]
    assert send(client, "samples/", commitment(design, parties=party)).status_code == 400
    draw = commit(client, design)
    bad = {"kind": "rfc3161", "authority": "时间戳中心", "token": "%%%"}
    assert send(client, f"samples/{draw['id']}/timestamp/", bad).status_code == 400
    bad["token"] = "AAAA"
    refused = send(client, f"samples/{draw['id']}/timestamp/", bad)
    assert refused.status_code == 400 and refused.json()["code"] == "common.invalid"


def test_a_draw_is_given_up_with_a_reason_only(lead, design):
    client = api(lead)
    draw = commit(client, design)
    assert send(client, f"samples/{draw['id']}/void/", {"reason": ""}).status_code == 400
    done = send(client, f"samples/{draw['id']}/void/", {"reason": "写错了日期"})
    assert done.status_code == 200 and done.json()["public_state"] == "void"
    listed = Client().get("/api/v1/public/draws/").json()["results"]
    assert [(row["state"], row["void_reason"]) for row in listed] == [("void", "写错了日期")]


def test_frames_show_their_checks_and_can_be_checked_again(lead, frame):
    client = api(lead)
    row = client.get(f"/api/v1/frames/{frame.pk}/").json()
    assert row["n_households"] == 72 and "checks" in row
    assert "checks" not in client.get("/api/v1/frames/").json()["results"][0]
    job = send(client, f"frames/{frame.pk}/check/")
    assert job.status_code == 202
    run_job(job.json()["id"])
    assert Job.objects.get(pk=job.json()["id"]).result["is_sound"] is True


class TestPlanning:
    def test_the_size_is_what_the_margin_needs(self, lead):
        body = {"kind": "share", "share": 0.5, "rho": 0, "response_rate": 1, "margin": 5, "households": 10**7}
        answer = send(api(lead), "planning/size/", {**body, "take": 10}).json()
        # n = 1.96² · 0.25 / 0.05² = 384.15, with the population's correction still 385.
        assert answer["respondents"] == 385 and answer["possible"] is True and answer["deff"] == 1

    def test_what_cannot_be_had_is_said(self, lead):
        body = {"margin": 0.1, "households": 22, "take": 22, "response_rate": 0.4}
        answer = send(api(lead), "planning/size/", body).json()
        assert answer["possible"] is False and answer["best_margin"] > 0.1

    def test_communities_are_divided_over_the_streets(self, lead, round_, frame):
        body = {"round": round_.pk, "frame": frame.pk, "n_communities": 4, "take": 3}
        rows = send(api(lead), "planning/allocation/", body).json()
        assert [(r["name"], r["communities"]) for r in rows] == [("无影山街道", 2), ("天桥东街街道", 2)]
        assert all(r["margin"] > 0 and r["issued"] == 6 for r in rows)

    def test_a_street_too_small_is_refused_with_what_would_do(self, lead, round_, frame):
        body = {"round": round_.pk, "frame": frame.pk, "n_communities": 4, "take": 40}
        answer = send(api(lead), "planning/allocation/", body)
        assert answer.status_code == 400 and answer.json()["code"] == "sampling.impossible"

    def test_a_forecast_is_a_job_and_is_read_afterwards(self, lead, round_, frame):
        client = api(lead)
        missing = client.get(f"/api/v1/planning/forecast-result/?round={round_.pk}")
        assert missing.status_code == 404
        body = {"round": round_.pk, "frame": frame.pk, "spec": SPEC, "mean": 75}
        job = send(client, "planning/forecast/", body)
        assert job.status_code == 202, job.json()
        run_job(job.json()["id"])
        found = client.get(f"/api/v1/planning/forecast-result/?round={round_.pk}").json()
        assert [row["name"] for row in found["rows"]] == ["无影山街道", "天桥东街街道"]
        assert found["key"] == Job.objects.get(pk=job.json()["id"]).params["key"]


class TestWhoMay:
    def test_nobody_without_a_token(self, db):
        for name in [*NEW_LISTS, "samples"]:
            assert Client().get(f"/api/v1/{name}/").status_code in (401, 403), name
        assert send(Client(), "planning/size/").status_code in (401, 403)

    def test_an_official_and_an_interviewer_get_nothing(self, official, interviewer, design, frame):
        for user in (official, interviewer):
            client = api(user)
            for name in NEW_LISTS:
                assert client.get(f"/api/v1/{name}/").status_code == 403
            for path in ("designs/", "samples/", f"frames/{frame.pk}/check/", "planning/size/"):
                assert send(client, path).status_code == 403, path

    def test_an_analyst_reads_and_does_nothing(self, lead, regions, design):
        analyst = factories.make_user("qian", "analyst", regions["370105000000"])
        draw = commit(api(lead), design)
        client = api(analyst)
        assert client.get(f"/api/v1/samples/{draw['id']}/").status_code == 200
        assert client.get("/api/v1/cases/").status_code == 403
        for deed in ("draw", "reveal", "void", "secret", "timestamp", "release"):
            body = {"beacon": "1", "reason": "1", "number": 1, "party": 1, "secret": SECRET}
            answer = send(client, f"samples/{draw['id']}/{deed}/", body)
            assert answer.status_code == 403, deed
        assert send(client, "samples/", commitment(design)).status_code == 403

    def test_a_lead_elsewhere_sees_and_does_nothing(self, regions, lead, design):
        neighbour = api(factories.make_user("chen", "study_lead", regions["370104000000"]))
        draw = commit(api(lead), design)
        assert neighbour.get("/api/v1/designs/").json()["count"] == 0
        assert send(neighbour, f"samples/{draw['id']}/reveal/").status_code == 404
        refused = send(neighbour, "samples/", commitment(design))
        assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "design"


class TestPublic:
    def test_nothing_secret_is_in_any_answer_before_the_reveal(self, lead, design):
        client = api(lead)
        draw = commit(client, design)
        draw_it(client, draw["id"])
        row = Draw.objects.get(pk=draw["id"])
        hidden = {row.seed} | {str(u) for u in design.frame.units.values_list("opaque_id", flat=True)}
        hidden |= {str(case.opaque_id) for case in row.cases.all()}
        paths = [
            "public/draws/",
            f"public/draws/{row.pk}/",
            f"public/draws/{row.pk}/certificate/",
            "public/keys/",
        ]
        for path in paths:
            text = Client().get(f"/api/v1/{path}").content.decode()
            assert not [secret for secret in hidden if secret in text], path
        # Nor do the team's own answers tell the seed: it is as good as the list of doors.
        for path in (
            f"samples/{row.pk}/",
            "samples/",
            f"samples/{row.pk}/certificate/",
            "frames/",
            "designs/",
        ):
            assert row.seed not in client.get(f"/api/v1/{path}").content.decode(), path

    def test_the_frame_is_linked_once_it_is_public(self, lead, design):
        draw = factories.draw_now(design)
        public = f"/api/v1/public/draws/{draw.pk}/"
        assert Client().get(public).json()["frame"] == ""
        Round.objects.filter(pk=design.round_id).update(state=Round.State.CLOSED, closed_at=now())
        reveal_draw(draw=draw, acting_user=SYSTEM)
        assert Client().get(public).json()["frame"] == f"/draws/{draw.pk}/frame.csv.gz"

    def test_a_draw_of_the_first_release_is_not_public(self, regions):
        factories.make_drawn_round(regions["370105000000"])
        assert Client().get("/api/v1/public/draws/").json()["count"] == 0

    def test_it_is_throttled(self, db):
        statuses = [Client().get("/api/v1/public/keys/").status_code for _ in range(61)]
        assert statuses[0] == 200 and statuses[-1] == 429


def test_the_openapi_document_knows_the_new_routes(db):
    document = Client().get("/api/schema/?format=json").json()
    names = [*NEW_LISTS, "public/draws", "public/keys"]
    wanted = {f"/api/v1/{name}/" for name in names}
    wanted |= {f"/api/v1/planning/{name}/" for name in ("size", "allocation", "forecast", "forecast-result")}
    deeds = ("draw", "reveal", "void", "secret", "timestamp", "release", "certificate")
    wanted |= {f"/api/v1/samples/{{id}}/{deed}/" for deed in deeds}
    assert wanted <= set(document["paths"])
    assert "private_cipher" not in json.dumps(document)
