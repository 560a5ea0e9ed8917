"""Signatures and message encryption."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.wechat.signature import (
    InvalidAppId,
    InvalidSignature,
    SignatureError,
    Undecryptable,
    check_server_signature,
    decode_aes_key,
    decrypt_message,
    jssdk_signature,
    message_signature,
    open_message,
    seal_message,
)
from tests.wechat_vectors import VECTOR_FOLDER, known_vectors, run_vector
from tests.wechat_vectors.__main__ import main

VECTORS = known_vectors()
KEY = decode_aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")


@pytest.mark.parametrize("vector_id", VECTORS)
def test_every_shared_vector_passes(vector_id):
    outcome = run_vector(VECTORS[vector_id], VECTORS)
    assert (outcome.status, outcome.detail) == ("passed", "")


@pytest.mark.parametrize(
    ("vector_id", "field"),
    [
        ("mp-decrypt-official-sample", "msg_signature"),
        ("mp-aes-encrypt-fixed-random", "expect_b64"),
        ("server-config-signature-pywe", "signature"),
        ("jssdk-signature-official", "signature"),
        ("miniapp-rawdata-signature-official", "signature"),
        ("miniapp-decrypt-official", "encrypted_data"),
    ],
)
def test_the_runner_fails_a_vector_with_one_character_changed(vector_id, field):
    value = VECTORS[vector_id][field]
    altered = {**VECTORS[vector_id], field: ("1" if value[0] != "1" else "2") + value[1:]}
    assert run_vector(altered, VECTORS).status == "failed"


def test_the_runner_exits_with_0_only_when_all_passed(tmp_path, capsys):
    assert main([str(VECTOR_FOLDER / "vectors.json"), str(VECTOR_FOLDER / "easywechat.json")]) == 0
    assert "12 passed, 0 failed, 0 unsupported" in capsys.readouterr().out
    strange = tmp_path / "strange.json"
    strange.write_text(json.dumps({"vectors": [{"id": "x", "kind": "other"}]}))
    assert main([str(strange)]) == 1
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({"vectors": []}))
    assert main([str(empty)]) == 1
    assert main([str(tmp_path / "missing.json")]) == 2


def test_the_runner_starts_from_the_command_line():
    command = [sys.executable, "-m", "tests.wechat_vectors", str(VECTOR_FOLDER / "vectors.json")]
    done = subprocess.run(command, cwd=VECTOR_FOLDER.parents[2], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_signature_module_needs_no_django():
    """`survey/__init__.py` imports Celery's application, so the package is entered here without it."""
    code = (
        "import sys, types; package = types.ModuleType('survey'); package.__path__ = ['survey'];"
        "sys.modules['survey'] = package; import survey.wechat.signature, survey.wechat.push;"
        "sys.exit(any(name.split('.')[0] in ('django', 'celery', 'requests') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=VECTOR_FOLDER.parents[2], timeout=60)
    assert done.returncode == 0


@given(text=st.text(max_size=300), app_id=st.from_regex(r"wx[0-9a-f]{16}", fullmatch=True))
def test_what_was_sealed_opens_again_for_this_account_only(text, app_id):
    sealed = seal_message(text, aes_key=KEY, receiver_id=app_id)
    assert open_message(sealed, aes_key=KEY, receiver_id=app_id) == text
    with pytest.raises(InvalidAppId):
        open_message(sealed, aes_key=KEY, receiver_id=app_id + "0")


@given(text=st.text(max_size=80), position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_an_altered_ciphertext_is_refused_before_it_is_decrypted(text, position, bit):
    sealed = seal_message(text, aes_key=KEY, receiver_id="wx1")
    signed = message_signature("token", "1", "2", sealed)
    raw = bytearray(sealed.encode())
    raw[position % len(raw)] ^= 1 << bit
    altered = raw.decode("latin-1")
    fields = {"token": "token", "aes_key": KEY, "receiver_id": "wx1", "timestamp": "1", "nonce": "2"}
    with pytest.raises(InvalidSignature):
        decrypt_message(altered, **fields, msg_signature=signed)
    assert decrypt_message(sealed, **fields, msg_signature=signed) == text


@given(sealed=st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.hex())))
def test_anything_else_is_refused_with_our_own_error(sealed):
    with pytest.raises(SignatureError):
        open_message(sealed, aes_key=KEY, receiver_id="wx1")


def test_another_key_does_not_open_a_message():
    sealed = seal_message("你好", aes_key=KEY, receiver_id="wx1", random16=b"0123456789abcdef")
    with pytest.raises(Undecryptable):
        open_message(sealed, aes_key=bytes(32), receiver_id="wx1")


def test_equal_messages_have_different_ciphertexts():
    assert seal_message("a", aes_key=KEY, receiver_id="wx1") != seal_message(
        "a", aes_key=KEY, receiver_id="wx1"
    )


@pytest.mark.parametrize("text", ["", "abc", "a" * 42, "a" * 44, "a" * 42 + "="])
def test_an_encoding_key_has_43_letters_and_digits(text):
    with pytest.raises(ValueError, match="43"):
        decode_aes_key(text)


def test_signatures_that_are_not_ascii_are_refused_too():
    with pytest.raises(InvalidSignature):
        check_server_signature(token="t", timestamp="1", nonce="2", signature="签名")


def test_the_jssdk_signs_the_page_without_its_fragment():
    page = {"ticket": "T", "noncestr": "N", "timestamp": 1}
    assert jssdk_signature(**page, url="https://a.cn/x?y=1#z") == jssdk_signature(
        **page, url="https://a.cn/x?y=1"
    )
    assert jssdk_signature(**page, url="https://a.cn/x?y=1") != jssdk_signature(
        **page, url="https://a.cn/x?y=2"
    )
