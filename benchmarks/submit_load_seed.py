"""Prepares the phones of `submit_load` in the database that the environment names; checks them afterwards.

python -m benchmarks.submit_load_seed PHONES FILE
python -m benchmarks.submit_load_seed check FILE
"""

import json
import random
import secrets
import sys
import uuid
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.test import Client  # noqa: E402

from survey.audit.services import COMMAND, verify_chain  # noqa: E402
from survey.common.clock import now  # noqa: E402
from survey.questionnaires.document import items_of, own_choices  # noqa: E402
from survey.questionnaires.logic import Run  # noqa: E402
from survey.questionnaires.models import QuestionnaireVersion  # noqa: E402
from survey.questionnaires.services import import_xlsform, publish_version  # noqa: E402
from survey.responses import services  # noqa: E402
from survey.responses.device import COOKIE, form_token  # noqa: E402
from survey.responses.models import Response  # noqa: E402
from tests import factories  # noqa: E402
from tests.residents import make_open_round  # noqa: E402

CORE_FORM = Path(settings.BASE_DIR) / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
SAVES = 6
SEED = 20261123


def seed(n_phones: int, file: Path) -> None:
    """Drawn households whose residents agreed and are about to answer the core questionnaire."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    regions = factories.make_regions()
    version = publish_version(
        version=import_xlsform(path=CORE_FORM, acting_user=COMMAND), acting_user=COMMAND
    )
    take = -(-n_phones // 4)  # the round of 天桥区 has four PSUs
    round_ = make_open_round(
        regions["370105000000"], questionnaire_version=version, take=take, households=take
    )
    random_ = random.Random(SEED)
    phones = [_phone(case, version, random_) for case in round_.cases.order_by("number")[:n_phones]]
    file.write_text(json.dumps(phones, ensure_ascii=False))


def _phone(case, version: QuestionnaireVersion, random_: random.Random) -> dict:
    secret = secrets.token_urlsafe(32)
    respondent = services.enter(case=case, channel="browser", device_secret=secret)
    services.give_consent(respondent=respondent, language="zh-hans", mode="web")
    services.choose_by_birthday(respondent=respondent, n_eligible=random_.randint(1, 4))
    answers = _answers(version.document, random_)
    client_id = str(uuid.UUID(int=random_.getrandbits(128), version=4))
    common = {"id": client_id, "document": version.document_hash, "language": "zh-hans"}
    names = list(answers)
    drafts = [
        {
            **common,
            "sequence": n,
            "saved_at": now().isoformat(),
            "answers": {name: answers[name] for name in names[: len(names) * n // SAVES]},
            "paradata": {"items": {name: {"s": 4.2, "n": 1, "c": 0} for name in names}},
        }
        for n in range(1, SAVES + 1)
    ]
    submit = {
        **common,
        "answers": answers,
        "completed_at": now().isoformat(),
        "paradata": {"device": "phone", "items": {name: {"s": 4.2, "n": 1, "c": 0} for name in names}},
    }
    return {
        "key": str(respondent.public_id),
        "case": str(case.opaque_id),
        "secret": secret,
        "token": form_token(secret),
        "drafts": [json.dumps(body, ensure_ascii=False) for body in drafts],
        "submit": json.dumps(submit, ensure_ascii=False),
    }


def _answers(document: dict, random_: random.Random) -> dict:
    """A random resident: every item that she meets, in order."""
    answers: dict = {}
    for item in items_of(document):
        if not Run(document, answers, "web").shown(item["name"]):
            continue
        if item["type"] == "select_one":
            answers[item["name"]] = random_.choice(own_choices(document, item))["code"]
        elif item["type"] == "select_multiple":
            answers[item["name"]] = [random_.choice(own_choices(document, item))["code"]]
        elif item["type"] == "scale":
            answers[item["name"]] = random_.randint(item["from"], item["to"])
        elif item["type"] == "integer":
            answers[item["name"]] = random_.randint(25, 80)
        elif item["type"] == "text":
            answers[item["name"]] = "小区门口的路灯晚上不亮，走路不方便"
    return answers


def check(file: Path) -> None:
    """Hand everything in once more and print what stands, as JSON."""
    phones = json.loads(file.read_text())
    after_load = Response.objects.count()
    other = 0
    for phone in phones:
        client = Client()
        client.cookies[COOKIE] = phone["secret"]
        client.post(
            f"/r/{phone['key']}/submit",
            phone["submit"],
            content_type="application/json",
            headers={"x-csrftoken": phone["token"]},
        )
        response = Response.objects.filter(case=phone["case"]).first()
        sent = json.loads(phone["submit"])
        if response is None or services.open_answers(response) != sent["answers"]:
            other += 1
    doubled = Response.objects.values("case").annotate(n=Count("pk")).filter(n__gt=1).count()
    print(
        json.dumps(
            {
                "after_load": after_load,
                "responses": Response.objects.count(),
                "doubled": doubled,
                "other": other,
                "chain": verify_chain()[1] or "whole",
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(Path(sys.argv[2]))
    else:
        seed(int(sys.argv[1]), Path(sys.argv[2]))
