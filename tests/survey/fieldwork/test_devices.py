"""The supervisor's page of phones: whose, when last seen, locked when lost."""

import pytest
from django.urls import reverse

from survey.audit.models import AuditEntry
from survey.fieldwork.models import Device
from tests import factories
from tests.phones import FieldPhone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def device(client, interviewer, cases):
    client.force_login(interviewer)
    FieldPhone(client).register()
    return Device.objects.get()


def test_a_supervisor_sees_the_phones_of_his_interviewers_and_locks_a_lost_one(client, device, supervisor):
    client.force_login(supervisor)
    page = client.get(reverse("fieldwork:devices")).content.decode()
    assert "zhao" in page and "测试手机" in page
    answer = client.post(reverse("fieldwork:lock_device", args=[device.pk]), follow=True)
    assert "已锁定" in answer.content.decode()
    device.refresh_from_db()
    assert (device.locked_at is not None, device.locked_by) == (True, supervisor)
    assert AuditEntry.objects.filter(action="fieldwork.device.locked").count() == 1
    client.post(reverse("fieldwork:lock_device", args=[device.pk]), {"unlock": "1"})
    device.refresh_from_db()
    assert (device.locked_at, device.locked_by) == (None, None)


def test_a_supervisor_of_another_district_neither_sees_nor_locks_it(client, device, regions):
    client.force_login(factories.make_user("zhou", "supervisor", regions["370104000000"]))
    assert "zhao" not in client.get(reverse("fieldwork:devices")).content.decode()
    assert client.post(reverse("fieldwork:lock_device", args=[device.pk])).status_code == 404
    device.refresh_from_db()
    assert device.locked_at is None
