"""Prepares the account of `callback_load` in the database that the environment names; checks it afterwards.

python -m benchmarks.callback_load_seed seed
python -m benchmarks.callback_load_seed check FILE
"""

import json
import sys
from collections import Counter
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from benchmarks.callback_messages import (  # noqa: E402
    AES_KEY,
    APP_ID,
    SLUG,
    TOKEN,
    Push,
    plain_body,
    signed_request,
)
from survey.audit.services import COMMAND  # noqa: E402
from survey.common.crypto import decrypt  # noqa: E402
from survey.wechat.models import ReceivedPush  # noqa: E402
from survey.wechat.push import parse_push  # noqa: E402
from survey.wechat.receiving import CONTENT_PURPOSE  # noqa: E402
from survey.wechat.services import save_account  # noqa: E402


def seed() -> None:
    """One account that takes plain and encrypted pushes."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    save_account(
        slug=SLUG,
        name="民意",
        app_id=APP_ID,
        app_secret="0" * 32,
        callback_token=TOKEN,
        encoding_aes_key=AES_KEY,
        acting_user=COMMAND,
    )


def check(file: Path) -> None:
    """Send everything once more, as Tencent's third try, and print what stands, as JSON."""
    pushes = [Push(**push) for push in json.loads(file.read_text())]
    after_load = ReceivedPush.objects.count()
    http = Client()
    for number, push in enumerate(pushes):
        path, body = signed_request(push, nonce=f"again{number}")
        http.post(path, body, content_type="text/xml")
    expected = Counter(_content(parse_push(plain_body(push).encode())) for push in pushes)
    stored = Counter(
        _content(json.loads(decrypt(cipher, CONTENT_PURPOSE)))
        for cipher in ReceivedPush.objects.values_list("content_cipher", flat=True).iterator()
    )
    print(
        json.dumps(
            {
                "after_load": after_load,
                "sent": len(pushes),
                "stored": sum(stored.values()),
                "doubled": sum(n - 1 for n in stored.values()),
                "other": sum((stored - expected).values()) + sum((expected - stored).values()),
            }
        )
    )


def _content(fields: dict) -> str:
    """What was said by whom and when; the envelope's own fields apart."""
    return json.dumps({name: value for name, value in fields.items() if name != "Encrypt"}, sort_keys=True)


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(Path(sys.argv[2]))
    else:
        seed()
