"""What those who watch the sending can read: the dry run, and what is not settled."""

from datetime import timedelta

import pytest

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.wechat import queries
from survey.wechat.models import OutboundMessage
from survey.wechat.planning import store_plan
from tests.survey.wechat.outbox import lettered_round, make_account, opened_in_wechat, set_plan, steps

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def round_(regions):
    round_ = lettered_round(regions["370105000000"])
    set_plan(round_, steps("custom"))
    account = make_account(round_)
    for number, case in enumerate(round_.cases.order_by("pk")[:4]):
        opened_in_wechat(account, case, str(number), last_message_at=now())
    return round_


def test_the_dry_run_counts_every_household_once(round_):
    summary = queries.next_contacts(round_)
    assert summary.n_households == round_.cases.count()
    assert summary.due["reminder", "wechat", "custom"] == 4
    tomorrow_week = queries.next_contacts(round_, moment=now() + timedelta(days=8))
    assert tomorrow_week.due["door", "door", ""] == round_.cases.count()
    assert not OutboundMessage.objects.exists()


def test_what_is_unknown_is_shown_and_what_is_settled_is_not(round_):
    store_plan(round=round_, acting_user=SYSTEM)
    for message, state in zip(
        OutboundMessage.objects.order_by("pk"), ("delivered", "unknown", "sending", "planned"), strict=True
    ):
        OutboundMessage.objects.filter(pk=message.pk).update(
            state=state, called_at=now() - timedelta(minutes=message.pk)
        )
    assert [message.state for message in queries.unsettled_messages(round_)] == ["unknown", "sending"]
