"""The administrator sees every table of the field, changes none, and no number, picture or key of it."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey.common.clock import now
from survey.fieldwork.models import CallbackPhone
from survey.fieldwork.services import keep_phone
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MODELS = sorted(apps.get_app_config("fieldwork").get_models(), key=lambda model: model.__name__)
SECRET = ("_cipher", "_hash", "payload", "attachment")
PUBLIC_HASHES = ("list_hash", "outcome_hash", "payload_hash")


@pytest.fixture
def site(client, regions):
    """A browser of the administrator with his second factor."""
    user = factories.make_user("admin", "administrator", regions["370100000000"], is_superuser=True)
    device = TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    client.force_login(user)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_table_of_the_field_can_be_looked_at_and_not_changed(site, model):
    home = f"admin:fieldwork_{model._meta.model_name}"
    assert site.get(reverse(f"{home}_changelist")).status_code == 200
    assert site.get(reverse(f"{home}_add")).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_page_shows_what_leads_to_a_household_or_opens_a_seal(rf, model):
    shown = set(admin.site._registry[model].get_fields(rf.get("/")))
    secret = {name for name in shown if name.endswith(SECRET) and name not in PUBLIC_HASHES}
    assert not secret


def test_a_number_is_there_without_its_digits(site, case, supervisor):
    keep_phone(case=case, phone="13805310000", acting_user=supervisor, given_at=now())
    row = CallbackPhone.objects.get()
    page = site.get(reverse("admin:fieldwork_callbackphone_change", args=[row.pk])).content.decode()
    assert case.number in page and "sun" in page
    assert "13805310000" not in page and row.phone_hash not in page
