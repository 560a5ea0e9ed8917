"""Some hundreds of the requests of which `make proof` sends 20,000: never a 5xx, never an unproven row."""

import time

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.audit.services import SYSTEM
from survey.wechat.models import ReceivedPush
from survey.wechat.receiving import accounts
from survey.wechat.services import save_account
from tests.survey.wechat import fuzz
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.pushes import AES_KEY, TOKEN

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def account():
    accounts.clear()
    return save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        callback_token=TOKEN,
        encoding_aes_key=AES_KEY,
        acting_user=SYSTEM,
    )


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_is_answered_with_a_server_error(account, data):
    stamp = str(int(time.time()))
    body, query = data.draw(fuzz.requests(stamp, APP_ID))
    before = ReceivedPush.objects.count()
    answer = Client().post("/wechat/jinan/", data=body, content_type="text/xml", query_params=query)
    assert answer.status_code in (200, 400, 403, 413), (answer.status_code, body, query)
    stored = ReceivedPush.objects.count() - before
    assert stored <= (1 if answer.status_code == 200 else 0)
