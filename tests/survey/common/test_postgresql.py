"""What only PostgreSQL does: a broken connection is found out, statements sent together stand or fall."""

import threading

import pytest
from django.db import IntegrityError, connection, connections, transaction

from survey.audit.models import AuditEntry, ChainHead
from survey.audit.services import SYSTEM, record, verify_chain
from survey.common.statements import do, run, together

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has such connections"),
]


def test_a_connection_that_the_server_closed_is_replaced_before_the_next_request():
    run("SELECT 1", [])
    assert connection.is_usable()
    [(pid,)] = run("SELECT pg_backend_pid()", [])
    ended = threading.Thread(target=_end, args=[pid])
    ended.start()
    ended.join()
    assert not connection.is_usable()
    connection.health_check_enabled, connection.health_check_done = True, False
    assert run("SELECT pg_backend_pid()", []) != [(pid,)]


def _end(pid: int) -> None:
    run("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connections.close_all()


def test_statements_sent_together_stand_or_fall_together():
    add = f"INSERT INTO {ChainHead._meta.db_table} (id, sequence, hash) VALUES (%s, %s, %s)"
    with transaction.atomic(), together():
        do(add, [7, 1, "a"])
        do(add, [8, 1, "b"])
    assert ChainHead.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic(), together():
        do(add, [9, 1, "c"])
        do(add, [7, 1, "again"])
    assert set(ChainHead.objects.values_list("pk", flat=True)) == {7, 8}


def test_entries_of_many_at_once_make_one_chain():
    def add(who: int) -> None:
        for n in range(10):
            with transaction.atomic():
                record(action="tests.thing.made", acting_user=SYSTEM, detail={"字": f'"{who}"\\{n}\n'})
        connections.close_all()

    with transaction.atomic():
        record(action="tests.first", acting_user=SYSTEM)
    threads = [threading.Thread(target=add, args=[who]) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditEntry.objects.count() == 61 and verify_chain() == (61, "")
