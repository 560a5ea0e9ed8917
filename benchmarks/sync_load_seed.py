"""The interviewers of `sync_load`, in the database that the environment names.

python -m benchmarks.sync_load_seed seed INTERVIEWERS EACH FILE
python -m benchmarks.sync_load_seed morning ADDRESS FILE
python -m benchmarks.sync_load_seed check FILE
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.test import Client  # noqa: E402
from knox.models import AuthToken  # noqa: E402

from benchmarks.load import CONNECTIONS  # noqa: E402
from survey.audit.services import verify_chain  # noqa: E402
from survey.contacts.dispositions import COMPLETE  # noqa: E402
from survey.contacts.models import Contact  # noqa: E402
from survey.fieldwork.services import assign_cases  # noqa: E402
from survey.fieldwork.sync.pushing import has_unsettled, settle_waiting  # noqa: E402
from survey.fieldwork.sync_models import SyncItem  # noqa: E402
from survey.responses.models import Response  # noqa: E402
from survey.responses.services import open_answers  # noqa: E402
from tests import factories  # noqa: E402
from tests.field_site import WireClient  # noqa: E402
from tests.phones import FieldPhone  # noqa: E402
from tests.residents import ANSWERS, make_open_round  # noqa: E402


def seed(interviewers: int, each: int, file: Path) -> None:
    """Interviewers with `each` doors of their own; their tokens go into the file."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    regions = factories.make_regions()
    take = max(-(-interviewers * each // 4), 3)  # the round of 天桥区 has four PSUs
    round_ = make_open_round(regions["370105000000"], take=take, households=take)
    cases = list(round_.cases.order_by("pk"))
    tokens = []
    for place in range(interviewers):
        user = factories.make_user(f"zhao{place}", "interviewer", regions["370105000000"])
        assign_cases(cases=cases[place * each : (place + 1) * each], interviewer=user, acting_user=user)
        tokens.append(AuthToken.objects.create(user=user)[1])
    file.write_text(json.dumps({"tokens": tokens}))


def morning(address: str, file: Path) -> None:
    """Every phone registers and pulls over the wire; prints the seconds. Then each works through its doors:
    what it will push in the evening, and what it answered, go into the file."""
    tokens = json.loads(file.read_text())["tokens"]
    phones = [FieldPhone(WireClient(address, token)) for token in tokens]
    started = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda phone: phone.register().pull(), phones))
    took = time.monotonic() - started
    plan = [
        _day(phone, token, place) for place, (phone, token) in enumerate(zip(phones, tokens, strict=True))
    ]
    file.write_text(json.dumps(plan, ensure_ascii=False))
    print(json.dumps({"seconds": took, "cases": sum(len(phone.cases) for phone in phones)}))


def _day(phone: FieldPhone, token: str, place: int) -> dict:
    """One push with an interview at each door."""
    answers, items = {}, []
    for number, case_id in enumerate(phone.cases):
        said = {**ANSWERS, "age": 18 + number % 80, "remark": f"第 {place}-{number} 份：楼下的路灯坏了"}
        items.append(phone.interview(case_id, answers=said))
        answers[items[-1]["id"]] = said
    body = {
        "protocol": phone.protocol,
        "app": "1.0",
        "device": phone.id,
        "sent_at": phone.now().isoformat(),
        "items": items,
    }
    return {"token": token, "push": json.dumps(body), "answers": answers}


def check(file: Path) -> None:
    """Push everything once more, settle as a worker does, and print what stands, as JSON."""
    plan = json.loads(file.read_text())
    after_load = SyncItem.objects.count()
    for phone in plan:
        http = Client(headers={"authorization": f"Token {phone['token']}"})
        reply = http.post("/api/v1/sync/push/", phone["push"], content_type="application/json")
        assert reply.status_code == 200, reply.content
    unsettled, started = SyncItem.objects.filter(state=SyncItem.State.WAITING).count(), time.monotonic()
    while has_unsettled() and settle_waiting():
        pass
    took = time.monotonic() - started
    sent = {item: said for phone in plan for item, said in phone["answers"].items()}
    stored = {str(each.client_id): open_answers(each) for each in Response.objects.iterator()}
    cases = Contact.objects.filter(disposition=COMPLETE).values("case").annotate(n=Count("pk"))
    print(
        json.dumps(
            {
                "after_load": after_load,
                "sent": len(sent),
                "accepted": SyncItem.objects.filter(state=SyncItem.State.ACCEPTED).count(),
                "lost": len(sent.keys() - stored.keys()),
                "doubled": SyncItem.objects.count() - len(sent) + cases.filter(n__gt=1).count(),
                "other": sum(stored[item] != said for item, said in sent.items() if item in stored),
                "settled": unsettled,
                "settled_in_s": took,
                "chain": verify_chain()[1] or "whole",
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1] == "seed":
        seed(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    elif sys.argv[1] == "morning":
        morning(sys.argv[2], Path(sys.argv[3]))
    else:
        check(Path(sys.argv[2]))
