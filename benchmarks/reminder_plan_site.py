"""The part of `reminder_plan` that runs in the database which the environment names.

python -m benchmarks.reminder_plan_site seed HOUSEHOLDS     makes a round and prints its id
python -m benchmarks.reminder_plan_site measure ROUND       times the query and the dry run
python -m benchmarks.reminder_plan_site store ROUND         times the run that writes the messages down
"""

import json
import resource
import sys
import time
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Max  # noqa: E402

from survey.audit.services import SYSTEM  # noqa: E402
from survey.common.clock import now  # noqa: E402
from survey.contacts.models import Contact  # noqa: E402
from survey.regions.models import Region  # noqa: E402
from survey.responses.models import Respondent  # noqa: E402
from survey.sampling.models import Case, FrameUnit  # noqa: E402
from survey.studies.models import Round  # noqa: E402
from survey.wechat.models import WeChatUser  # noqa: E402
from survey.wechat.planning import households, plan_round, store_plan, summarise  # noqa: E402
from tests import factories  # noqa: E402
from tests.survey.wechat import outbox  # noqa: E402

OPENED, WRITABLE = 0.3, 0.5  # of the households; of those who opened
TURNS = 3


def measure(round_: Round) -> dict[str, Any]:
    """Best times of `TURNS` runs, and the peak memory of the dry runs alone."""
    query_s = plan_s = float("inf")
    for _ in range(TURNS):
        started = time.perf_counter()
        summary = summarise(plan_round(round_))
        plan_s = min(plan_s, time.perf_counter() - started)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    statement, values = households(round_).query.sql_with_params()
    for _ in range(TURNS):
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            while cursor.fetchmany(2000):
                pass
        query_s = min(query_s, time.perf_counter() - started)
    return {
        "households": summary.n_households,
        "messages": sum(n for (_step, mode, _channel), n in summary.due.items() if mode == "wechat"),
        "query_s": query_s,
        "plan_s": plan_s,
        "peak_mb": peak_mb,
        "turns": TURNS,
    }


def store(round_: Round) -> dict[str, Any]:
    """One run that writes the messages down."""
    started = time.perf_counter()
    summary = store_plan(round=round_, acting_user=SYSTEM)
    return {"stored": summary.n_stored, "seconds": time.perf_counter() - started}


def seed(n: int) -> int:
    """A round of about `n` households; its id. The database copies the rows of one that tests make."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    region = Region.objects.filter(code="370105000000").first() or factories.make_regions()["370105000000"]
    round_ = outbox.lettered_round(region, take=1)
    outbox.set_plan(round_, outbox.steps("custom"))
    account = outbox.make_account(round_)
    case = round_.cases.order_by("pk").last()
    user = outbox.opened_in_wechat(account, case, f"first-{n}", last_message_at=now())
    unit = copy(
        FrameUnit,
        case.frame_unit_id,
        n,
        position="1000 + g",
        opaque_id="gen_random_uuid()",
        address_hash="md5(g::text)",
    )
    first = copy(
        Case,
        case.pk,
        n,
        opaque_id="gen_random_uuid()",
        number="'9-' || g",
        frame_unit_id=f"{unit - 1} + g",
    )
    letter = Contact.objects.get(case=case, mode="letter")
    copy(Contact, letter.pk, n, id="gen_random_uuid()", case_id=f"{first - 1} + g")
    opened = int(n * OPENED)
    identity = f"md5('{n}-' || g) || md5('{n}+' || g)"
    within = f"CASE WHEN g <= {int(opened * WRITABLE)} THEN r.last_message_at END"
    copy(WeChatUser, user.pk, opened, openid_hash=identity, last_message_at=within)
    respondent = Respondent.objects.get(identity_hash=user.openid_hash)
    copy(
        Respondent,
        respondent.pk,
        opened,
        public_id="gen_random_uuid()",
        identity_hash=identity,
        case_id=f"{first - 1} + g * {int(1 / OPENED)}",
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum would have, long before a reminder
    return round_.pk


def copy(model: Any, pk: Any, n: int, **expressions: str) -> int:
    """Insert `n` copies of a row; `expressions` are SQL over g = 1 … n, by column. The first copy's key."""
    columns = [
        field.column
        for field in model._meta.concrete_fields
        if not field.primary_key or field.column in expressions
    ]
    table, key = model._meta.db_table, model._meta.pk.column
    chosen = ", ".join(expressions.get(column, f"r.{column}") for column in columns)
    last = 0 if key in expressions else model.objects.aggregate(last=Max("pk"))["last"]
    # Names are our own models'; the expressions are those above.
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} "
        f"FROM {table} r, generate_series(1, %s) g WHERE r.{key} = %s ORDER BY g"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [n, pk])
    if key in expressions:
        return 0
    return model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[0]


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2])
    if what == "seed":
        print(seed(number))
    else:
        work = {"measure": measure, "store": store}[what]
        print(json.dumps(work(Round.objects.get(pk=number))))
