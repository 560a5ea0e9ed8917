"""The audit chain: it grows with each deed, falls with its transaction, and shows any tampering."""

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from survey.audit.models import AuditEntry, ChainHead
from survey.audit.services import SYSTEM, record, verify_chain

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def add(n=1, **values):
    with transaction.atomic():
        for i in range(n):
            record(action="tests.thing.made", acting_user=SYSTEM, detail={"i": i, "字": "甲"}, **values)


def test_entries_follow_each_other_without_a_gap():
    add(5)
    rows = list(AuditEntry.objects.order_by("sequence"))
    assert [row.sequence for row in rows] == [1, 2, 3, 4, 5]
    assert [row.previous_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert verify_chain() == (5, "")


def test_an_entry_falls_with_the_deed_that_failed():
    add(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(action="tests.thing.failed", acting_user=SYSTEM)
        raise ZeroDivisionError
    assert AuditEntry.objects.count() == 1
    assert verify_chain() == (1, "")


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError):
        record(action="tests.thing.made", acting_user=SYSTEM)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "tests.other"},
        {"actor_name": "somebody else"},
        {"detail": {"i": 7}},
        {"object_id": "9"},
        {"region_code": "370105000000"},
        {"hash": "f" * 64},
        {"previous_hash": "f" * 64},
    ],
)
def test_a_changed_entry_is_found(change):
    add(4)
    AuditEntry.objects.filter(sequence=2).update(**change)
    count, broken = verify_chain()
    assert count in (2, 3)
    assert broken


def test_a_removed_entry_is_found_in_the_middle_and_at_the_end():
    add(4)
    AuditEntry.objects.filter(sequence=4).delete()
    assert "removed" in verify_chain()[1]
    AuditEntry.objects.filter(sequence=2).delete()
    assert "missing" in verify_chain()[1]


def test_a_chain_that_was_cut_and_whose_head_was_moved_back_still_verifies_only_as_what_it_is():
    """Cutting the tail and moving the head cannot be seen from inside: why the head is published outside."""
    add(4)
    AuditEntry.objects.filter(sequence=4).delete()
    newest = AuditEntry.objects.get(sequence=3)
    ChainHead.objects.update(sequence=3, hash=newest.hash)
    assert verify_chain() == (3, "")


def test_the_command_says_whether_the_chain_is_whole(capsys):
    add(3)
    call_command("verify_audit")
    assert "共 3 条" in capsys.readouterr().out
    AuditEntry.objects.filter(sequence=1).update(action="x")
    with pytest.raises(CommandError, match="第 1 条"):
        call_command("verify_audit")
