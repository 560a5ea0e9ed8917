"""Field keys rotate: everything moves to the new key, and the old one can go."""

import base64
import os

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models

from survey.audit.services import SYSTEM
from survey.common.crypto import decrypt, encrypt, key_of
from survey.contacts.services.letters import FILE_PURPOSE
from survey.operations.rotation import COLUMNS, rotate_field_keys
from survey.sampling.models import FrameUnit
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def make_key(name):
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def test_every_encrypted_column_is_moved():
    found = {
        f"{model._meta.app_label}.{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, models.BinaryField) and field.name.endswith("_cipher")
    }
    assert found == set(COLUMNS)


@pytest.fixture
def old_key(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.FIELD_KEYS = make_key("old")
    return settings.FIELD_KEYS


def test_addresses_and_files_open_with_the_new_key_alone(old_key, settings, tmp_path):
    factories.make_frame(factories.make_regions()["370105000000"], households=3)
    part = tmp_path / "letters" / "1" / "part-001.pdf.sealed"
    part.parent.mkdir(parents=True)
    part.write_bytes(encrypt("甲", FILE_PURPOSE))
    gone = FrameUnit.objects.first()
    FrameUnit.objects.filter(pk=gone.pk).update(address_cipher=b"")  # destroyed after its retention date
    then = {
        u.pk: decrypt(u.address_cipher, "sampling.address") for u in FrameUnit.objects.exclude(pk=gone.pk)
    }
    new_key = make_key("new")
    settings.FIELD_KEYS = f"{new_key},{old_key}"
    moved = rotate_field_keys(acting_user=SYSTEM)
    assert moved["sampling.FrameUnit.address_cipher"] == len(then) == 17
    assert moved["letters"] == 1
    settings.FIELD_KEYS = new_key
    units = FrameUnit.objects.exclude(pk=gone.pk)
    assert {u.pk: decrypt(u.address_cipher, "sampling.address") for u in units} == then
    assert decrypt(part.read_bytes(), FILE_PURPOSE) == "甲"
    assert bytes(FrameUnit.objects.get(pk=gone.pk).address_cipher) == b""
    assert set(rotate_field_keys(acting_user=SYSTEM).values()) == {0}


def test_a_key_that_is_missing_is_said_and_what_moved_stays(old_key, settings):
    factories.make_frame(factories.make_regions()["370105000000"], households=3)
    settings.FIELD_KEYS = make_key("new")
    with pytest.raises(CommandError, match="请把旧密钥放回"):
        call_command("rotate_field_keys")
    assert {key_of(u.address_cipher) for u in FrameUnit.objects.all()} == {"old"}
