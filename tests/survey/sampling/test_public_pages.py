"""The public pages: open to everybody, true at each stage, and silent about what must not be known yet."""

import csv
import gzip
import hashlib
import io
import json
import logging
import subprocess
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.canonical import canonical_json, sha256_of
from survey.common.clock import now, today
from survey.common.crypto import decrypt
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.certificate import fingerprints
from survey.sampling.commitment import hash_secret
from survey.sampling.models import Draw, SigningKey
from survey.sampling.public import LAPSED, REVEALED, VOID, commits_of_round, public_state
from survey.sampling.services import (
    create_design,
    draw_sample,
    give_secret,
    household_proof,
    record_timestamp,
    reveal_draw,
    void_draw,
)
from survey.sampling.services.draws import party_secrets
from survey.sampling.services.verifying import MOST_BYTES
from survey.studies.models import Round
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SPEC = {
    "stages": [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": 3},
    ],
    "n_psus": 4,
    "reserve_replicates": 1,
}
OTHER_SECRET = "5a" * 32
PAGES = ["", "communities/", "verify", "certificate.json", "certificate.pdf", "commitment.json"]


@pytest.fixture
def design(regions):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    frame = factories.make_frame(regions["370105000000"], households=12)
    return create_design(round=round_, frame=frame, spec=SPEC, acting_user=SYSTEM)


@pytest.fixture
def committed(design):
    """A commitment of two parties, stamped by a notary."""
    draw = factories.commit_now(
        design, parties=[("居民代表 王老师", hash_secret(bytes.fromhex(OTHER_SECRET)))]
    )
    record_timestamp(
        draw=draw,
        kind="notary",
        authority="济南市天桥公证处",
        stamped_at=now(),
        note="（2026）济天桥证字第 12 号",
        acting_user=SYSTEM,
    )
    return draw


@pytest.fixture
def drawn(committed):
    give_secret(draw=committed, party_number=2, secret_hex=OTHER_SECRET, acting_user=SYSTEM)
    return draw_sample(draw=committed, beacon_value="03 09 14 21 26 32+07", acting_user=SYSTEM)


@pytest.fixture
def revealed(drawn):
    Round.objects.filter(pk=drawn.design.round_id).update(state=Round.State.CLOSED, closed_at=now())
    return reveal_draw(draw=Draw.objects.get(pk=drawn.pk), acting_user=SYSTEM)


def url(draw, rest=""):
    return f"/draws/{draw.pk}/{rest}"


def text_of(answer):
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode("utf-8", errors="ignore")


def pdf_text(content):
    run = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True)
    return run.stdout.decode()


def secrets_of(draw):
    """What nobody may know before the reveal: seed, secrets, opaque ids, drawn households' own names."""
    found = {draw.seed} | {secret.hex() for secret in party_secrets(draw)}
    found |= {str(unit) for unit in draw.design.frame.units.values_list("opaque_id", flat=True)}
    found |= set(draw.design.frame.units.values_list("commitment", flat=True))
    for case in draw.cases.all():
        found |= {str(case.opaque_id), case.selection_seed, f'"{case.number}"'}
    found |= {unit.salt.hex() for unit in draw.design.frame.units.all()}
    return found - {""}


class TestOpenToEverybody:
    def test_every_page_opens_without_logging_in(self, client, revealed):
        for page in ["/draws/", "/draws/keys/", *(url(revealed, page) for page in PAGES)]:
            assert client.get(page).status_code == 200, page

    def test_a_first_visit_finds_an_empty_list_in_words(self, client, db):
        page = client.get("/draws/")
        assert page.status_code == 200
        assert "还没有公布过抽样" in page.content.decode()
        assert "还没有钥匙" in client.get("/draws/keys/").content.decode()

    def test_what_does_not_exist_is_refused_in_words(self, client, db):
        for page in PAGES:
            answer = client.get(f"/draws/999/{page}")
            assert answer.status_code == 404
            assert "没有找到" in answer.content.decode()

    def test_a_draw_of_the_first_release_is_not_shown_as_proof(self, client, regions):
        old = factories.make_drawn_round(regions["370105000000"])
        draw = Draw.objects.get(design__round=old)
        assert client.get(url(draw)).status_code == 404
        assert "还没有公布过抽样" in client.get("/draws/").content.decode()

    @pytest.mark.parametrize("language", ["zh-hant", "en"])
    def test_it_opens_in_every_language(self, client, revealed, language):
        client.cookies["django_language"] = language
        for page in ["/draws/", *(url(revealed, page) for page in PAGES)]:
            assert client.get(page).status_code == 200, page


class TestStages:
    def test_a_commitment_shows_what_was_fixed_and_what_is_to_come(self, client, committed):
        text = client.get(url(committed)).content.decode()
        for words in (
            "已承诺，还没抽",
            "济南市天桥公证处",
            "居民代表 王老师",
            "等随机数开出来再抽",
            committed.commitment_hash,
        ):
            assert words in text, words
        assert "frame-" not in text.replace("frame_", "")

    def test_a_drawn_one_shows_the_beacon(self, client, drawn):
        text = client.get(url(drawn)).content.decode()
        assert "03 09 14 21 26 32+07" in text
        assert "已抽取，等收卷结束后公开" in text

    def test_a_revealed_one_offers_the_list_and_how_to_run_the_verifier(self, client, revealed):
        text = client.get(url(revealed)).content.decode()
        number = revealed.design.frame.number
        assert f"python verify_draw.py certificate-{revealed.pk}.json frame-{number}.csv.gz" in text
        assert "已公开，谁都能重算" in text

    def test_a_void_one_stays_with_its_reason(self, client, committed):
        void_draw(draw=committed, reason="公证时间写错了", acting_user=SYSTEM)
        assert public_state(Draw.objects.get(pk=committed.pk)) == VOID
        assert "公证时间写错了" in client.get(url(committed)).content.decode()
        assert "作废" in client.get("/draws/").content.decode()

    def test_one_never_revealed_counts_as_void_from_the_day_after(self, client, drawn):
        day = drawn.reveal_by
        assert public_state(drawn, today=day) == "drawn"
        assert public_state(drawn, today=day + timedelta(days=1)) == LAPSED
        Draw.objects.filter(pk=drawn.pk).update(reveal_by=today() - timedelta(days=1))
        for page in ("/draws/", url(drawn)):
            assert "作废（到期没有公开）" in client.get(page).content.decode()

    def test_one_revealed_late_says_so(self, client, revealed):
        Draw.objects.filter(pk=revealed.pk).update(reveal_by=today() - timedelta(days=3))
        assert public_state(Draw.objects.get(pk=revealed.pk)) == REVEALED
        assert "公开晚了" in client.get(url(revealed)).content.decode()

    def test_every_commitment_of_the_round_is_listed(self, client, design, committed):
        void_draw(draw=committed, reason="改了方案", acting_user=SYSTEM)
        second = factories.commit_now(design, reason="改了方案以后再来一次")
        assert [row.pk for row, _words in commits_of_round(second)] == [committed.pk, second.pk]
        text = client.get(url(second)).content.decode()
        assert "改了方案" in text and url(committed) in text


class TestNothingLeaks:
    def every_public_page(self, client, draw):
        found = ["/draws/", "/draws/keys/", *(url(draw, page) for page in PAGES)]
        codes = draw.design.frame.trees.values_list("community__code", flat=True)
        found += [url(draw, "frame.csv.gz"), *(url(draw, f"frame/{code}.csv") for code in codes)]
        return found

    def test_no_public_page_tells_an_id_a_secret_or_the_seed_before_the_reveal(self, client, drawn):
        secrets = secrets_of(drawn)
        assert len(secrets) > 150
        for page in self.every_public_page(client, drawn):
            answer = client.get(page)
            text = (
                pdf_text(answer.content) if answer["Content-Type"] == "application/pdf" else text_of(answer)
            )
            told = [secret for secret in secrets if secret in "".join(text.split())]
            assert not told, (page, told[:3])

    def test_a_verdict_before_the_reveal_tells_none_either(self, client, drawn):
        answer = client.post(url(drawn, "verify"), {"which": "stored"})
        run_job(str(Job.objects.get(kind="sampling.verify").pk))
        text = client.get(answer["Location"]).content.decode()
        assert "能核对的都对得上" in text
        assert not [secret for secret in secrets_of(drawn) if secret in text]

    def test_the_list_is_refused_before_the_reveal(self, client, drawn):
        code = drawn.design.frame.trees.first().community.code
        for page in ("frame.csv.gz", f"frame/{code}.csv"):
            answer = client.get(url(drawn, page))
            assert answer.status_code == 403
            assert "要等收卷结束" in answer.content.decode()

    def test_salts_and_addresses_are_never_public(self, client, revealed):
        salts = [unit.salt.hex() for unit in revealed.design.frame.units.all()]
        for page in self.every_public_page(client, revealed):
            answer = client.get(page)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            body = gzip.decompress(body) if page.endswith(".gz") else body
            text = body.decode("utf-8", errors="ignore")
            assert "号楼" not in text and not [salt for salt in salts if salt in text], page

    def test_drawn_communities_are_not_named_as_drawn_before_the_reveal(self, client, drawn):
        # The certificate lists all communities of the plan; nothing may tell the drawn ones from the others.
        certificate = client.get(url(drawn, "certificate.json")).json()
        assert "result" not in certificate and "seed" not in certificate and "secrets" not in certificate
        assert {psu["code"] for psu in certificate["psus"]} > set(
            drawn.psus.values_list("psu__code", flat=True)
        )


class TestFiles:
    def test_the_certificate_is_the_one_that_was_signed(self, client, revealed):
        answer = client.get(url(revealed, "certificate.json"))
        assert answer["Content-Disposition"] == f'attachment; filename="certificate-{revealed.pk}.json"'
        assert answer.json() == revealed.certificate

    def test_the_commitment_file_has_the_stamped_hash(self, client, committed):
        content = client.get(url(committed, "commitment.json")).content
        assert sha256_of(json.loads(content)) == committed.commitment_hash
        assert hashlib.sha256(content).hexdigest() == committed.commitment_hash

    def test_the_public_list_holds_every_household_in_its_order(self, client, revealed):
        frame = revealed.design.frame
        answer = client.get(url(revealed, "frame.csv.gz"))
        packed = b"".join(answer.streaming_content)
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(packed).decode())))
        assert list(rows[0]) == ["community_code", "opaque_id", "kind", "commitment"]
        assert len(rows) == frame.n_households == frame.units.count()
        keys = [(row["community_code"], row["opaque_id"]) for row in rows]
        assert keys == sorted(keys)
        again = b"".join(client.get(url(revealed, "frame.csv.gz")).streaming_content)
        assert again == packed

    def test_one_community_can_be_had_alone(self, client, revealed):
        code = revealed.design.frame.trees.first().community.code
        text = text_of(client.get(url(revealed, f"frame/{code}.csv")))
        assert len(text.splitlines()) == 13
        assert all(line.startswith(code) for line in text.splitlines()[1:])
        assert client.get(url(revealed, "frame/999999999999.csv")).status_code == 404

    def test_the_script_verifies_what_the_pages_give(self, client, revealed, tmp_path):
        names = {
            "verify_draw.py": "/draws/verify_draw.py",
            "certificate.json": url(revealed, "certificate.json"),
            "frame.csv.gz": url(revealed, "frame.csv.gz"),
        }
        for name, page in names.items():
            answer = client.get(page)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            (tmp_path / name).write_bytes(body)
        run = subprocess.run(
            ["python3", "verify_draw.py", "certificate.json", "frame.csv.gz"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr

    def test_a_stamp_that_is_not_there_is_not_found(self, client, committed):
        stamp = committed.timestamps.get()  # a notary's: it has no token
        assert client.get(url(committed, f"timestamps/{stamp.pk}.tsr")).status_code == 404

    def test_keys_are_listed_with_their_fingerprints(self, client, committed):
        text = client.get("/draws/keys/").content.decode()
        assert SigningKey.objects.get().public_key in text
        assert "公钥的指纹" in text

    def test_downloads_are_throttled(self, client, committed):
        statuses = [client.get(url(committed, "certificate.json")).status_code for _ in range(121)]
        assert set(statuses[:120]) == {200} and statuses[-1] == 429


class TestCommunities:
    def test_they_are_found_by_name_and_by_code(self, client, committed):
        text = client.get(url(committed, "communities/"), {"q": "济洛路"}).content.decode()
        assert "济洛路社区居委会" in text and "津浦社区" not in text
        assert (
            "津浦社区" in client.get(url(committed, "communities/"), {"q": "370105003003"}).content.decode()
        )
        assert "没有找到" in client.get(url(committed, "communities/"), {"q": "火星"}).content.decode()


class TestMyLine:
    @pytest.fixture
    def unit(self, committed):
        return committed.design.frame.units.select_related("frame", "community").first()

    def ask(self, client, unit, address=None, code=None):
        typed = address or decrypt(unit.address_cipher, "sampling.address")
        code = code or "\n".join(household_proof(frame_unit=unit))
        return client.post("/draws/my-line", {"address": typed, "code": code})

    def test_her_own_letter_is_a_yes_and_leads_to_the_draw(self, client, committed, unit):
        answer = self.ask(client, unit)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert '<p class="verdict-word">是</p>' in text and "没有被换过" in text
        assert url(committed) in text
        assert "no-store" in answer["Cache-Control"]

    def test_another_address_is_a_no(self, client, unit):
        text = self.ask(client, unit, address="别处 9 号楼 101 室").content.decode()
        assert '<p class="verdict-word">否</p>' in text and "和这个地址对不上" in text

    def test_an_altered_line_is_a_no(self, client, unit):
        other = unit.frame.units.exclude(pk=unit.pk).filter(community=unit.community).first()
        type(other).objects.filter(pk=other.pk).update(commitment="0" * 64)
        text = self.ask(client, unit).content.decode()
        assert '<p class="verdict-word">否</p>' in text and "可能被改过" in text

    def test_a_slip_of_the_pen_is_pointed_at(self, client, unit):
        lines = household_proof(frame_unit=unit)
        wrong = ("1" if lines[1][0] != "1" else "2") + lines[1][1:]
        answer = self.ask(client, unit, code=f"{lines[0]} {wrong}")
        assert answer.status_code == 400 and "第 2 行有一个字符不对" in answer.content.decode()

    def test_nothing_about_her_is_kept_or_logged(self, client, unit, caplog):
        caplog.set_level(logging.DEBUG)
        address = decrypt(unit.address_cipher, "sampling.address")
        before = AuditEntry.objects.count(), Job.objects.count()
        self.ask(client, unit)
        code = household_proof(frame_unit=unit)[0].replace(" ", "")
        assert (AuditEntry.objects.count(), Job.objects.count()) == before
        for hidden in (address, code, code[:8], str(unit.opaque_id)):
            assert hidden not in caplog.text.replace(" ", "").replace("+", "")
        assert not client.session.keys()

    def test_a_script_is_slowed_down(self, client, unit):
        statuses = [self.ask(client, unit).status_code for _ in range(31)]
        assert set(statuses[:30]) == {200} and statuses[-1] == 429

    def test_the_form_stands_alone(self, client, db):
        assert "名录凭证" in client.get("/draws/my-line").content.decode()
        assert client.post("/draws/my-line", {}).status_code == 400


class TestVerifying:
    def verify(self, client, draw, **data):
        answer = client.post(url(draw, "verify"), data)
        assert answer.status_code == 302, answer.content.decode()
        for job in Job.objects.filter(kind="sampling.verify", state=Job.State.PENDING):
            run_job(str(job.pk))
        return client.get(answer["Location"]).content.decode()

    def upload(self, document):
        return SimpleUploadedFile("certificate.json", json.dumps(document, ensure_ascii=False).encode())

    def test_the_published_certificate_is_a_yes(self, client, revealed):
        text = self.verify(client, revealed, which="stored")
        assert '<p class="verdict-word">是</p>' in text
        assert "没有一户被换过" in text

    def test_progress_is_shown_until_it_is_over(self, client, revealed):
        answer = client.post(url(revealed, "verify"), {"which": "stored"})
        page = client.get(answer["Location"]).content.decode()
        assert "正在重算" in page
        state = client.get(answer["Location"] + "state").json()
        assert state["over"] is False
        run_job(str(Job.objects.get(kind="sampling.verify").pk))
        assert client.get(answer["Location"] + "state").json()["over"] is True

    def test_a_household_swapped_in_a_copy_is_a_no_that_names_it(self, client, revealed):
        copy = json.loads(json.dumps(revealed.certificate))
        swapped = copy["result"]["households"][0][1]
        copy["result"]["households"][0][1] = copy["result"]["households"][1][1]
        text = self.verify(client, revealed, which="upload", certificate=self.upload(copy))
        assert '<p class="verdict-word">否</p>' in text
        assert swapped in text
        assert "不是同一份" in text

    def test_a_copy_signed_again_with_another_key_is_a_no(self, client, revealed):
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        copy = json.loads(json.dumps(revealed.certificate))
        copy["commitment"]["public_key"] = public
        copy["commitment_hash"] = sha256_of(copy["commitment"])
        copy["fingerprints"] = fingerprints(copy)
        body = {name: value for name, value in copy.items() if name != "signature"}
        value = private.sign(canonical_json(body)).hex()
        copy["signature"] = {"algorithm": "Ed25519", "public_key": public, "value": value}
        text = self.verify(client, revealed, which="upload", certificate=self.upload(copy))
        assert '<p class="verdict-word">否</p>' in text

    def test_an_honest_copy_is_a_yes_and_is_deleted_afterwards(self, client, revealed, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        text = self.verify(client, revealed, which="upload", certificate=self.upload(revealed.certificate))
        assert '<p class="verdict-word">是</p>' in text and "一字不差" in text
        assert not list((tmp_path / "verify").iterdir())

    def test_the_same_question_is_answered_once_a_day(self, client, revealed):
        first = client.post(url(revealed, "verify"), {"which": "stored"})["Location"]
        assert client.post(url(revealed, "verify"), {"which": "stored"})["Location"] == first
        Job.objects.update(created_at=now() - timedelta(days=2))
        assert client.post(url(revealed, "verify"), {"which": "stored"})["Location"] != first

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "不是 JSON"),
            (b"PK\x03\x04 not json", "不是 JSON"),
            (b"[]", "不是抽样证书"),
            (b'{"format": "other"}', "不是抽样证书"),
            (b'{"format": "minyi-certificate-1", "x": NaN}', "不是 JSON"),
            (b'{"format": "minyi-certificate-1", "x": "\\ud800"}', "不是 JSON"),
            (b"[" * 100_000, "不是 JSON"),
        ],
    )
    def test_a_bad_file_is_refused_in_words(self, client, revealed, content, words):
        file = SimpleUploadedFile("certificate.json", content)
        answer = client.post(url(revealed, "verify"), {"which": "upload", "certificate": file})
        assert answer.status_code == 400
        assert words in answer.content.decode()
        assert not Job.objects.filter(kind="sampling.verify").exists()

    def test_a_file_too_large_is_refused(self, client, revealed):
        file = SimpleUploadedFile("certificate.json", b" " * (MOST_BYTES + 1))
        answer = client.post(url(revealed, "verify"), {"which": "upload", "certificate": file})
        assert answer.status_code == 400 and "文件太大" in answer.content.decode()

    def test_a_certificate_with_nothing_in_it_is_a_no_and_no_crash(self, client, revealed):
        text = self.verify(
            client, revealed, which="upload", certificate=self.upload({"format": "minyi-certificate-1"})
        )
        assert '<p class="verdict-word">否</p>' in text

    def test_no_file_is_asked_for(self, client, revealed):
        answer = client.post(url(revealed, "verify"), {"which": "upload"})
        assert answer.status_code == 400 and "请先选一个证书文件" in answer.content.decode()

    def test_askers_are_throttled(self, client, revealed):
        statuses = [client.post(url(revealed, "verify"), {"which": "stored"}).status_code for _ in range(21)]
        assert set(statuses[:20]) == {302} and statuses[-1] == 429

    def test_another_draws_verdict_is_not_shown(self, client, revealed):
        client.post(url(revealed, "verify"), {"which": "stored"})
        job = Job.objects.get(kind="sampling.verify")
        other = factories.make_round(factories.make_study(factories.Region.objects.get(code="370105000000")))
        design = create_design(round=other, frame=revealed.design.frame, spec=SPEC, acting_user=SYSTEM)
        second = factories.commit_now(design)
        page = reverse("draws:verdict", kwargs={"pk": second.pk, "job_pk": job.pk})
        assert client.get(page).status_code == 404
