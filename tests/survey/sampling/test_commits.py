"""Committing in public: what is fixed, who may do what, what third parties and other parties bring."""

import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import get_current_timezone

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM, verify_chain
from survey.common.canonical import canonical_json, sha256_of
from survey.common.errors import Problem
from survey.jobs.models import Job
from survey.jobs.services import run_job, start_job
from survey.sampling.certificate import certificate_of, commitment_file
from survey.sampling.commitment import hash_secret
from survey.sampling.models import Case, Design, Draw, FrameVersion, SigningKey
from survey.sampling.services import (
    commit_draw,
    create_design,
    discard_frame,
    draw_sample,
    give_secret,
    import_households,
    record_timestamp,
    release_replicate,
    reveal_draw,
    void_draw,
)
from survey.sampling.signing import rotate_key
from survey.sampling.verification import redraw
from survey.sampling.verify_draw import verify
from tests import factories
from tests.survey.sampling.revealed import (
    BEACON_AT,
    COMMITTED_AT,
    PARTY_SECRET,
    hold_clock,
    make_committed,
    make_drawn,
    make_revealed,
    make_spec,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]
VALUE = "03 09 14 21 26 32+07"
LOTTERY = {
    "beacon_kind": "lottery",
    "beacon_name": "双色球 2026136 期",
    "beacon_at": BEACON_AT,
    "reveal_by": date(2027, 3, 1),
}


@pytest.fixture
def design(regions, monkeypatch):
    hold_clock(monkeypatch, COMMITTED_AT)
    round_ = factories.make_round(factories.make_study(regions["370100000000"]))
    frame = factories.make_frame(regions["370100000000"], households=12)
    return create_design(round=round_, frame=frame, spec=make_spec(), acting_user=SYSTEM)


def refused(code, deed, match=None):
    with pytest.raises(Problem, match=match) as caught:
        deed()
    assert caught.value.code == code
    return caught.value


def commit(design, **values):
    return commit_draw(design=design, acting_user=SYSTEM, **{**LOTTERY, **values})


def test_a_commitment_fixes_everything_and_holds_no_secret(regions, monkeypatch):
    draw = make_committed(regions, monkeypatch)
    commitment, office = draw.commitment, draw.parties.get(number=1)
    assert commitment == {
        "format": "minyi-commitment-2",
        "algorithms": {"draw": "two-stage-pps-1", "stream": "minyi-stream-1", "frame": "minyi-frame-2"},
        "study": "济南市居民满意度调查",
        "round": "2026 年下半年",
        "draw_number": 1,
        "design_hash": draw.design.spec_hash,
        "plan_hash": sha256_of(draw.design.plan),
        "frame_hash": draw.design.frame.frame_hash,
        "parties": [
            {"number": 1, "name": "济南市居民满意度调查组", "secret_hash": office.secret_hash},
            {"number": 2, "name": "济南市统计学会", "secret_hash": hash_secret(PARTY_SECRET)},
        ],
        "beacon": {"kind": "lottery", "name": "双色球 2026136 期", "not_before": "2026-12-01T13:15:00Z"},
        "reveal_by": "2027-03-01",
        "public_key": SigningKey.objects.get().public_key,
    }
    assert sha256_of(commitment) == draw.commitment_hash
    assert draw.state == "committed" and draw.design.locked_at == COMMITTED_AT
    assert Case.objects.count() == 0 and draw.seed == ""
    assert verify_chain()[1] == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"beacon_at": COMMITTED_AT + timedelta(minutes=9)}, "10 分钟以后"),
        ({"beacon_at": COMMITTED_AT + timedelta(days=91)}, "90 天以内"),
        ({"beacon_name": "某种彩票 2026136 期"}, "认得的彩种"),
        ({"beacon_kind": "dice"}, "没有这一种"),
        ({"beacon_kind": "demo"}, "模拟名录"),
        ({"beacon_kind": "drand", "beacon_name": "quicknet"}, "链名和轮次"),
        ({"reveal_by": date(2026, 11, 30)}, "公布日期"),
        ({"parties": [("", "0" * 64)]}, "名称"),
        ({"parties": [("学会", "0" * 63)]}, "64 位"),
        ({"parties": [("学会", "0" * 64), ("公证处", "0" * 64)]}, "指纹相同"),
    ],
)
def test_what_cannot_be_committed_to_is_refused_in_words(design, values, words):
    refused("common.invalid", lambda: commit(design, **values), words)
    assert Draw.objects.count() == 0


def test_a_drand_round_must_be_in_the_future_by_its_own_time(design):
    """A round that was published already, with a later time typed in beside it, would be no secret."""
    # Round 27946612 is of 2026-04-20.
    old = {"beacon_kind": "drand", "beacon_name": "quicknet 27946612"}
    refused("common.invalid", lambda: commit(design, **old), "10 分钟以后")
    later = {"beacon_kind": "drand", "beacon_name": "quicknet 34427831", "beacon_at": BEACON_AT}
    published = datetime.fromtimestamp(1692803367 + 3 * (34427831 - 1), UTC)
    assert COMMITTED_AT < published < BEACON_AT
    draw = commit(design, **later)
    assert (draw.beacon_at, draw.beacon_name) == (published, "drand quicknet 第 34427831 轮")


def test_a_round_has_one_open_commitment_and_a_second_draw_needs_a_reason(design, monkeypatch):
    first = commit(design)
    refused("sampling.commit_pending", lambda: commit(design), "第 1 次承诺")
    void_draw(draw=first, reason="彩票停售", acting_user=SYSTEM)
    second = commit(design)
    assert second.number == 2
    hold_clock(monkeypatch, BEACON_AT)
    second = draw_sample(draw=second, beacon_value=VALUE, acting_user=SYSTEM)
    later = {"beacon_name": "双色球 2026137 期", "beacon_at": BEACON_AT + timedelta(days=2)}
    refused("sampling.already_drawn", lambda: commit(design, **later))
    third = commit(design, reason="名录有误", **later)
    second.refresh_from_db()
    assert second.state == "drawn"  # until the new one is drawn
    hold_clock(monkeypatch, BEACON_AT + timedelta(days=2))
    third = draw_sample(draw=third, beacon_value=VALUE, acting_user=SYSTEM)
    second.refresh_from_db()
    assert (second.state, second.void_reason, second.voided_at) == ("void", "名录有误", third.drawn_at)
    commits = certificate_of(third)["commits"]
    assert [(c["number"], c["state"], c["void_reason"]) for c in commits] == [
        (1, "void", "彩票停售"),
        (2, "void", "名录有误"),
        (3, "drawn", ""),
    ]
    assert redraw(second).matches and redraw(third).matches


def test_a_frame_of_the_first_release_or_an_altered_one_is_not_committed_to(design):
    FrameVersion.objects.update(hash_algorithm="minyi-frame-1")
    refused("sampling.frame_old", lambda: commit(Design.objects.get()), "重新导入")
    FrameVersion.objects.update(hash_algorithm="minyi-frame-2")
    design.frame.trees.filter(community__code="370105001001").update(n_family=13)
    refused("sampling.frame_altered", lambda: commit(Design.objects.get()))


def test_nothing_is_drawn_before_the_beacon_without_a_secret_or_after_the_promised_day(regions, monkeypatch):
    draw = make_committed(regions, monkeypatch)
    hold_clock(monkeypatch, BEACON_AT - timedelta(seconds=1))

    def again():
        return draw_sample(draw=draw, beacon_value=VALUE, acting_user=SYSTEM)

    refused("sampling.beacon_waits", again)
    hold_clock(monkeypatch, BEACON_AT)
    refused("sampling.secret_missing", again, "济南市统计学会")
    give_secret(draw=draw, party_number=2, secret_hex=PARTY_SECRET.hex(), acting_user=SYSTEM)
    refused(
        "common.invalid", lambda: draw_sample(draw=draw, beacon_value="1 2 3", acting_user=SYSTEM), "双色球"
    )
    hold_clock(monkeypatch, datetime(2027, 3, 3, tzinfo=get_current_timezone()))
    refused("sampling.overdue", again)
    assert Case.objects.count() == 0
    hold_clock(monkeypatch, BEACON_AT)
    assert again().beacon == VALUE
    refused("sampling.already_drawn", again)


def test_a_party_gives_the_secret_that_she_committed_to_and_no_other(regions, monkeypatch):
    draw = make_committed(regions, monkeypatch)

    def give(number, text):
        return give_secret(draw=draw, party_number=number, secret_hex=text, acting_user=SYSTEM)

    refused("common.invalid", lambda: give(2, "00" * 32), "指纹不符")
    refused("common.invalid", lambda: give(2, "xyz"), "64 位")
    refused("common.invalid", lambda: give(3, PARTY_SECRET.hex()), "没有第 3 方")
    refused("common.locked", lambda: give(1, "00" * 32))
    party = give(2, f" {PARTY_SECRET.hex().upper()} ")
    assert party.given_at and bytes(party.secret_cipher) != PARTY_SECRET
    refused("common.locked", lambda: give(2, PARTY_SECRET.hex()))
    details = str(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert PARTY_SECRET.hex() not in details
    void_draw(draw=draw, reason="试", acting_user=SYSTEM)
    refused("common.locked", lambda: give(2, PARTY_SECRET.hex()))


def test_both_secrets_decide_the_draw(regions, monkeypatch):
    draw = make_drawn(regions, monkeypatch)
    assert redraw(draw).matches
    parties = {p["number"]: p["secret_hash"] for p in draw.commitment["parties"]}
    draw.parties.filter(number=2).update(secret_hash=parties[1])
    assert "commitment.parties" in {d.where for d in redraw(Draw.objects.get()).differences}


def test_a_draw_is_voided_with_a_reason_until_its_cases_are_in_the_field(regions, monkeypatch):
    draw = make_drawn(regions, monkeypatch)
    refused("common.invalid", lambda: void_draw(draw=draw, reason=" ", acting_user=SYSTEM), "理由")
    round_ = draw.design.round
    round_.state = "open"
    round_.save()
    refused("common.locked", lambda: void_draw(draw=draw, reason="x", acting_user=SYSTEM))
    round_.state = "draft"
    round_.save()
    void_draw(draw=draw, reason="x", acting_user=SYSTEM)
    assert not round_.cases.released().exists() and round_.cases.exists()
    refused("common.locked", lambda: void_draw(draw=draw, reason="x", acting_user=SYSTEM))
    refused("common.locked", lambda: draw_sample(draw=draw, beacon_value=VALUE, acting_user=SYSTEM))


def test_secrets_and_doors_are_revealed_only_when_the_field_has_closed(regions, monkeypatch):
    draw = make_drawn(regions, monkeypatch)
    refused("sampling.not_closed", lambda: reveal_draw(draw=draw, acting_user=SYSTEM))
    round_ = draw.design.round
    round_.state = "closed"
    round_.save()
    done = reveal_draw(draw=draw, acting_user=SYSTEM)
    assert done.certificate["stage"] == "revealed" and done.certificate["secrets"][1] == PARTY_SECRET.hex()
    assert sha256_of(done.certificate["result"]) == done.result_hash
    assert certificate_of(done) == done.certificate
    refused("common.locked", lambda: reveal_draw(draw=draw, acting_user=SYSTEM))


def test_replicates_released_before_the_reveal_are_in_the_certificate(regions, monkeypatch):
    draw = make_drawn(regions, monkeypatch)
    release_replicate(draw=draw, number=1, reason="回收率低", acting_user=SYSTEM)
    draw.design.round.state = "closed"
    draw.design.round.save()
    done = reveal_draw(draw=draw, acting_user=SYSTEM)
    assert [(r["number"], r["reason"]) for r in done.certificate["replicates"]][1] == (1, "回收率低")
    # The chances of the result are those of the draw, as they were before the release.
    assert sha256_of(done.certificate["result"]) == done.result_hash
    assert redraw(done).matches


def test_nobody_acts_without_the_right(regions, monkeypatch, official, interviewer):
    analyst = factories.make_user("qian", "analyst", regions["370100000000"])
    other_lead = factories.make_user("zhou", "study_lead", regions["370104000000"])  # of another district
    draw = make_committed(regions, monkeypatch)
    design, round_ = draw.design, draw.design.round
    for user in (official, interviewer, analyst, other_lead):
        for deed in (
            lambda by: import_households(path="x.csv", name="x", region=design.frame.region, acting_user=by),
            lambda by: discard_frame(frame=design.frame, acting_user=by),
            lambda by: create_design(round=round_, frame=design.frame, spec=make_spec(), acting_user=by),
            lambda by: commit_draw(design=design, acting_user=by, **LOTTERY),
            lambda by: give_secret(draw=draw, party_number=2, secret_hex="00" * 32, acting_user=by),
            lambda by: draw_sample(draw=draw, beacon_value=VALUE, acting_user=by),
            lambda by: release_replicate(draw=draw, number=1, reason="x", acting_user=by),
            lambda by: reveal_draw(draw=draw, acting_user=by),
            lambda by: void_draw(draw=draw, reason="x", acting_user=by),
            lambda by: record_timestamp(draw=draw, kind="notary", authority="x", note="1", acting_user=by),
        ):
            refused("common.forbidden", lambda deed=deed, user=user: deed(user))


def test_the_key_in_the_commitment_signs_also_after_it_was_retired(regions, monkeypatch):
    draw = make_committed(regions, monkeypatch)
    before = draw.commitment["public_key"]
    after = rotate_key(acting_user=SYSTEM).public_key
    assert certificate_of(draw)["signature"]["public_key"] == before != after
    assert verify(certificate_of(draw)).ok
    void_draw(draw=draw, reason="换", acting_user=SYSTEM)
    new = commit(draw.design, beacon_at=BEACON_AT + timedelta(hours=2))
    assert new.commitment["public_key"] == after
    for key in SigningKey.objects.all():
        assert key.public_key.encode() not in bytes(key.private_cipher)
    SigningKey.objects.filter(public_key=before).delete()
    refused("common.not_found", lambda: certificate_of(draw))


def test_the_draw_runs_as_a_job_and_twice_is_once(regions, monkeypatch):
    draw = make_committed(regions, monkeypatch)
    hold_clock(monkeypatch, BEACON_AT)
    give_secret(draw=draw, party_number=2, secret_hex=PARTY_SECRET.hex(), acting_user=SYSTEM)
    params = {"draw": draw.pk, "beacon": VALUE}
    jobs = [
        start_job(kind="sampling.draw", params=params, acting_user=SYSTEM, send=lambda job: None)
        for _ in range(2)
    ]
    for job in jobs:
        run_job(str(job.pk))
    done = Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("state", "result")
    assert [state for state, _result in done] == ["done", "done"]
    assert len({str(result) for _state, result in done}) == 1
    assert Case.objects.count() == 6 * 4


# --- time stamps --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A small time stamp authority of RFC 3161, made with OpenSSL: stamps a file's bytes with a digest."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    folder = tmp_path_factory.mktemp("tsa")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=TSA\n"
        "[ext]\nextendedKeyUsage=critical,timeStamping\n"
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\ndefault_policy=1.2.3.4\nsigner_digest=sha256\n"
        "digests=sha256,sha512\naccuracy=secs:1\ness_cert_id_alg=sha256\n"
    )
    (folder / "serial").write_text("01")
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "crt", "-config", "tsa.cnf"
    )

    def stamp(data, digest="sha256"):
        (folder / "data").write_bytes(data)
        openssl("ts", "-query", "-data", "data", f"-{digest}", "-cert", "-out", "q")
        openssl(
            "ts", "-reply", "-queryfile", "q", "-config", "tsa.cnf", "-section", "one", "-signer", "crt",
            "-inkey", "key", "-out", "r",
        )  # fmt: skip
        openssl("ts", "-verify", "-in", "r", "-data", "data", "-CAfile", "crt")
        return (folder / "r").read_bytes()

    return stamp


def test_a_time_stamp_over_the_commitment_brings_its_own_time(design, authority, monkeypatch):
    monkeypatch.undo()  # the authority's clock is the real one
    moment = datetime.now(UTC)
    draw = commit(design, beacon_at=moment + timedelta(days=1), reveal_by=moment.date() + timedelta(days=90))
    token = authority(commitment_file(draw))
    assert commitment_file(draw) == canonical_json(draw.commitment)
    stamp = record_timestamp(
        draw=draw, kind="rfc3161", authority="国家授时中心", token=token, acting_user=SYSTEM
    )
    assert abs(stamp.stamped_at - moment) < timedelta(minutes=1)
    certificate = certificate_of(draw)
    verdict = verify(certificate)
    assert verdict.ok and "no_stamp" not in {finding.code for finding in verdict.findings}
    # A token in the certificate that stamps something else is found by the single file.
    certificate["timestamps"][0]["stamped_at"] = "2020-01-01T00:00:00Z"
    assert "timestamps[1]" in {f.where for f in verify(certificate).findings if f.level == "differs"}


def test_a_time_stamp_over_anything_else_is_refused(design, authority, monkeypatch):
    monkeypatch.undo()
    moment = datetime.now(UTC)
    draw = commit(design, beacon_at=moment + timedelta(days=1), reveal_by=moment.date() + timedelta(days=90))

    def keep(token):
        return record_timestamp(draw=draw, kind="rfc3161", authority="某", token=token, acting_user=SYSTEM)

    good = authority(commitment_file(draw))
    refused("common.invalid", lambda: keep(authority(b"another")), "不是这份承诺")
    refused("common.invalid", lambda: keep(authority(commitment_file(draw), "sha512")), "SHA-256")
    refused("common.invalid", lambda: keep(b""), "RFC 3161")
    refused("common.invalid", lambda: keep(good[:-200]), "RFC 3161")
    refused("common.invalid", lambda: keep(b"\x30\x05\x30\x03\x02\x01\x02"), "没有盖章")  # status: rejection
    assert not draw.timestamps.exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "publication", "stamped_at": COMMITTED_AT}, "网址"),
        ({"kind": "notary", "stamped_at": COMMITTED_AT}, "公证书"),
        ({"kind": "notary", "note": "1", "stamped_at": COMMITTED_AT - timedelta(days=1)}, "承诺之后"),
        ({"kind": "notary", "note": "1", "stamped_at": BEACON_AT}, "现在之前"),
        ({"kind": "notary", "note": "1"}, "承诺之后"),
        ({"kind": "gossip", "stamped_at": COMMITTED_AT}, "哪一种"),
        ({"kind": "notary", "note": "1", "token": b"x", "stamped_at": COMMITTED_AT}, "回执"),
    ],
)
def test_other_witnesses_bring_an_address_or_a_number_and_a_possible_time(design, values, words):
    draw = commit(design)
    refused(
        "common.invalid",
        lambda: record_timestamp(draw=draw, authority="公证处", acting_user=SYSTEM, **values),
        words,
    )


# --- commands -----------------------------------------------------------------------------------------


def test_the_commands_lead_from_commitment_to_verification(design, tmp_path, monkeypatch, capsys):
    secret_hash = hash_secret(PARTY_SECRET)
    call_command(
        "commit_draw", "--design", str(design.pk), "--beacon-kind", "lottery", "--beacon", "双色球 2026136",
        "--beacon-at", "2026-12-01 21:15", "--reveal-by", "2027-03-01", "--party", f"学会={secret_hash}",
        "--output", str(tmp_path / "commitment.json"),
    )  # fmt: skip
    draw = Draw.objects.get()
    assert draw.beacon_at == BEACON_AT
    assert (tmp_path / "commitment.json").read_bytes() == commitment_file(draw)
    call_command(
        "stamp_draw", draw=draw.pk, kind="notary", authority="公证处", note="济证 5 号", at="2026-11-29 21:16"
    )
    hold_clock(monkeypatch, BEACON_AT + timedelta(hours=1))
    monkeypatch.setattr("sys.stdin", StringIO(PARTY_SECRET.hex() + "\n"))
    call_command("give_secret", draw=draw.pk, party=2)
    call_command("draw_sample", draw=draw.pk, beacon=VALUE)
    call_command("release_replicate", draw=draw.pk, number=1, reason="回收率低")
    files = [str(tmp_path / "certificate.json"), str(tmp_path / "frame.csv.gz")]
    with pytest.raises(CommandError, match="收卷"):
        call_command("reveal_draw", draw=draw.pk)
    draw.design.round.__class__.objects.update(state="closed")
    call_command("reveal_draw", draw=draw.pk, certificate=files[0], frame=files[1])
    capsys.readouterr()
    call_command("verify_draw", *files)
    call_command("verify_draw", draw=draw.pk)
    assert capsys.readouterr().out.count("是：对得上") == 2
    with pytest.raises(CommandError, match="还不能说") as caught:
        call_command("verify_draw", files[0])
    assert caught.value.returncode == 2
    case = draw.cases.first()
    free = draw.design.frame.units.exclude(pk__in=draw.cases.values("frame_unit")).first()
    Case.objects.filter(pk=case.pk).update(frame_unit=free)
    with pytest.raises(CommandError, match="否"):
        call_command("verify_draw", draw=draw.pk)
    assert f"case {case.number}" in capsys.readouterr().out
    call_command("rotate_signing_key")
    assert SigningKey.objects.filter(retired_at=None).count() == 1


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("draw_sample", {"draw": 99, "beacon": "x"}, "没有编号"),
        ("void_draw", {"draw": 99, "reason": "x"}, "没有编号"),
        ("stamp_draw", {"draw": 1, "kind": "notary", "authority": "x", "at": "bald"}, "没有编号|看不懂"),
        ("verify_draw", {}, "请给证书"),
        ("verify_draw", {"certificate": "/nowhere.json"}, "读不了"),
    ],
)
def test_commands_refuse_in_words(db, name, options, words):
    with pytest.raises(CommandError, match=words):
        call_command(name, **options)


def test_a_revealed_draw_is_verified_from_the_database(regions, monkeypatch, capsys):
    made = make_revealed(regions, monkeypatch)
    call_command("verify_draw", draw=made.draw.pk)
    assert "是：对得上" in capsys.readouterr().out
    made.draw.design.frame.units.filter(position=3).update(commitment="0" * 64)
    with pytest.raises(CommandError, match="否"):
        call_command("verify_draw", draw=made.draw.pk)
    unit = made.draw.design.frame.units.get(position=3)
    assert str(unit.opaque_id) in capsys.readouterr().out
