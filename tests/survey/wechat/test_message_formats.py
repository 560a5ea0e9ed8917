"""Messages and events in the formats of other SDKs' test suites, through the callback in each mode."""

import json

import pytest
from django.test import Client

from survey.audit.services import SYSTEM
from survey.common.crypto import decrypt
from survey.wechat import inbox
from survey.wechat.models import ReceivedPush
from survey.wechat.receiving import CONTENT_PURPOSE, accounts
from survey.wechat.services import save_account
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.pushes import AES_KEY, TOKEN, Tencent, seal, sign, to_xml
from tests.wechat_vectors import VECTOR_FOLDER, read_vectors, run_file

pytestmark = [pytest.mark.django_db, pytest.mark.database]
FILE = VECTOR_FOLDER / "messages.json"
VECTORS = read_vectors(FILE)


@pytest.fixture
def tencent():
    accounts.clear()
    save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        callback_token=TOKEN,
        encoding_aes_key=AES_KEY,
        acting_user=SYSTEM,
    )
    return Tencent(Client(), "jinan", APP_ID)


def post(tencent, body: bytes, mode: str):
    if mode == "plain":
        return tencent.post_raw(body)
    query = tencent.query()
    sealed = seal(body, APP_ID)
    signed = sign(TOKEN, query["timestamp"], query["nonce"], sealed)
    envelope = to_xml({"ToUserName": "gh_1", "Encrypt": sealed})
    return tencent.post_raw(envelope, **query, encrypt_type="aes", msg_signature=signed)


def test_the_runner_reads_every_message_of_the_file():
    assert {outcome.status for outcome in run_file(FILE)} == {"passed"}
    assert len(VECTORS) > 40


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_it_is_taken_once_in_any_mode_and_worked_on(tencent, vector):
    body = (vector.get("xml") or vector["body"]).encode()
    for mode in ("plain", "secure", "plain"):
        assert post(tencent, body, mode).status_code == 200
    push = ReceivedPush.objects.get()
    fields = json.loads(decrypt(push.content_cipher, CONTENT_PURPOSE))
    assert {name: fields[name] for name in vector["expect_fields"]} == vector["expect_fields"]
    assert inbox.handle_pending() == 1
    push.refresh_from_db()
    assert (push.state, push.last_error) == (vector["expect_state"], "")
