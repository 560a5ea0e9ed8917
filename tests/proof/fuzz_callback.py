"""Send 20,000 requests that nobody should send to the callback: never a server error."""

import logging
import tempfile
import time
from collections import Counter
from pathlib import Path

from django.conf import settings as site
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from survey.audit.services import SYSTEM
from survey.wechat.models import ReceivedPush
from survey.wechat.receiving import accounts
from survey.wechat.services import save_account
from tests.survey.wechat import fuzz
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.pushes import AES_KEY, TOKEN

TITLE = "No body and no address makes the callback fail"
CLAIM = (
    "Requests made by hypothesis, half of them properly signed or encrypted: pushes with cut, inserted and "
    "replaced bytes, fields with any text, JSON of any shape, noise, and wrong parameters. Each is answered "
    "with 200, 400, 403 or 413; a row is stored only by a request that was proven and answered with 200."
)
REQUESTS = 20_000
EXPECTED = {200, 400, 403, 413}


def send(requests: int) -> tuple[Counter[int], list[str]]:
    """Send so many; returns how often each status came, and what was wrong."""
    answered: Counter[int] = Counter()
    wrong: list[str] = []
    client = Client(raise_request_exception=False)

    @settings(
        max_examples=requests,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        stamp = str(int(time.time()))
        body, query = data.draw(fuzz.requests(stamp, APP_ID))
        answer = client.post("/wechat/jinan/", data=body, content_type="text/xml", query_params=query)
        answered[answer.status_code] += 1
        if answer.status_code not in EXPECTED:
            wrong.append(f"{answer.status_code} for {body!r} {query}")

    one()
    return answered, wrong


def run() -> tuple[bool, list[str]]:
    """The proof for docs/proof/, on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        connection.close()
        logging.getLogger("survey.wechat.views").setLevel(logging.ERROR)  # each refusal is a line there
        before = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = str(Path(folder) / "fuzz.sqlite3")
        try:
            call_command("migrate", verbosity=0)
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
            with override_settings(ALLOWED_HOSTS=[*site.ALLOWED_HOSTS, "testserver"]):
                answered, wrong = send(REQUESTS)
            stored = ReceivedPush.objects.count()
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before
    if stored > answered[200]:
        wrong.append(f"{stored} rows for {answered[200]} answers of 200")
    lines = [f"- {sum(answered.values())} requests; {stored} pushes stored."]
    lines += [f"- answered {status}: {count}" for status, count in sorted(answered.items())]
    return not wrong, [*lines, *(f"- WRONG: {sentence}" for sentence in wrong[:5])]
