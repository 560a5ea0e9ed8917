"""Contact data opens only unaltered, only for its own column, and after keys have rotated."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from survey.common.crypto import DecryptionError, decrypt, encrypt, keyed_hash

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


@given(st.text())
def test_any_text_comes_back(text):
    assert decrypt(encrypt(text, "sampling.address"), "sampling.address") == text


def test_the_same_text_never_looks_the_same_twice():
    assert encrypt("济洛路 5 号", "a") != encrypt("济洛路 5 号", "a")


def test_a_value_copied_into_another_column_does_not_open():
    with pytest.raises(DecryptionError):
        decrypt(encrypt("济洛路 5 号", "sampling.address"), "contacts.note")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_altered_byte_does_not_open(place, change):
    value = bytearray(encrypt("济洛路 5 号 3-201", "a"))
    value[place % len(value)] ^= change
    with pytest.raises(DecryptionError):
        decrypt(bytes(value), "a")


def test_keys_rotate(settings):
    settings.FIELD_KEYS = OLD
    before = encrypt("旧钥匙写的", "a")
    settings.FIELD_KEYS = f"{NEW},{OLD}"
    assert decrypt(before, "a") == "旧钥匙写的"
    after = encrypt("新钥匙写的", "a")
    settings.FIELD_KEYS = OLD
    with pytest.raises(DecryptionError):
        decrypt(after, "a")


@pytest.mark.parametrize("keys", ["", "nokey", "k:short", "k:" + base64.b64encode(b"x" * 16).decode()])
def test_a_bad_key_is_said_at_once(settings, keys):
    settings.FIELD_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        encrypt("x", "a")


def test_hashes_are_separate_for_each_purpose_and_key(settings):
    one = keyed_hash("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "wechat.openid")
    assert one != keyed_hash("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "responses.identity")
    settings.HASH_KEY = "another"
    assert one != keyed_hash("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "wechat.openid")
