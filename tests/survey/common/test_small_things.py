"""Logs without codes, throttles, canonical JSON, and a catalogue whose every message can be filled."""

import logging
import string

import pytest

from survey.common.canonical import canonical_json, sha256_of
from survey.common.errors import CATALOGUE, Problem
from survey.common.logs import RedactCodes
from survey.common.net import client_address
from survey.common.throttle import count_try


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("GET /s/9f8e7d6c5b4a39281706f5e4d3 200", "9f8e7d6c5b4a39281706f5e4d3"),
        ("callback?code=061abcDEF&state=xyz123 done", "061abcDEF"),
        ("callback?code=061abcDEF&state=xyz123 done", "xyz123"),
        ("get user openid=oABC-123_x", "oABC-123_x"),
        ("POST /cgi-bin/x?access_token=12_abcdef", "12_abcdef"),
    ],
)
def test_secrets_are_blanked_in_log_lines(line, secret):
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (line,), None)
    RedactCodes().filter(record)
    assert secret not in record.getMessage()
    assert "***" in record.getMessage()


@pytest.mark.django_db
@pytest.mark.database
def test_tries_beyond_the_limit_are_refused_for_that_key_only():
    for _ in range(3):
        count_try(scope="t", key="1.2.3.4", limit=3, window_s=60)
    with pytest.raises(Problem) as refusal:
        count_try(scope="t", key="1.2.3.4", limit=3, window_s=60)
    assert refusal.value.status == 429
    count_try(scope="t", key="5.6.7.8", limit=3, window_s=60)


def test_canonical_json_does_not_depend_on_order():
    assert sha256_of({"b": 1, "a": "民意"}) == sha256_of({"a": "民意", "b": 1})
    assert canonical_json({"a": "民"}).decode() == '{"a":"民"}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_message_fills_and_ends_as_a_sentence(code):
    status, text = CATALOGUE[code]
    names = [name for _, name, _, _ in string.Formatter().parse(str(text)) if name]
    message = Problem(code, **dict.fromkeys(names, "甲")).message
    assert 400 <= status < 600
    assert "{" not in message
    assert names == ["reason"] or message.endswith(("。", "？"))


def test_only_trusted_proxies_name_the_client(rf, settings):
    request = rf.get("/", HTTP_X_FORWARDED_FOR="6.6.6.6, 10.0.0.1", REMOTE_ADDR="10.0.0.2")
    assert client_address(request) == "10.0.0.2"
    settings.TRUSTED_PROXIES = 1
    assert client_address(request) == "10.0.0.1"
    settings.TRUSTED_PROXIES = 2
    assert client_address(request) == "6.6.6.6"
