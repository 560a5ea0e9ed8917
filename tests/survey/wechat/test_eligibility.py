"""Who may be written to: Tencent's windows and counts, agreements, followers, and the way out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.wechat import eligibility as rules
from survey.wechat.eligibility import Recipient, choose_channel, custom_window, may_mass
from survey.wechat.planning import REASONS

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


def ago(**delta):
    return NOW - timedelta(**delta)


def custom(**person):
    return choose_channel(Recipient(is_follower=True, **person), channels=["custom"], moment=NOW)


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ({"last_message_at": ago(hours=47)}, ("custom", "")),
        ({"last_message_at": ago(hours=48)}, ("", "window_closed")),
        ({"last_message_at": ago(hours=1), "n_since_message": 4}, ("custom", "")),
        ({"last_message_at": ago(hours=1), "n_since_message": 5}, ("", "window_used")),
        ({"last_touch_at": ago(seconds=40)}, ("custom", "")),
        ({"last_touch_at": ago(seconds=61)}, ("", "window_closed")),
        ({"last_touch_at": ago(seconds=5), "n_since_touch": 3}, ("", "window_used")),
        ({}, ("", "window_closed")),
    ],
)
def test_the_customer_service_windows(person, expected):
    assert custom(**person) == expected


def test_the_windows_do_not_add_up_but_either_is_enough():
    both = {"last_message_at": ago(hours=1), "last_touch_at": ago(seconds=5)}
    assert custom(**both, n_since_message=5) == ("custom", "")
    assert custom(**both, n_since_message=5, n_since_touch=3) == ("", "window_used")


def test_who_wrote_the_way_out_gets_nothing_by_any_channel():
    person = Recipient(
        is_follower=True,
        opted_out=True,
        has_consented=True,
        last_message_at=ago(minutes=1),
        grants={"t": 3},
    )
    for channel in ("custom", "subscribe", "template"):
        chosen = choose_channel(
            person, channels=[channel], template_id="t", is_service_notice=True, moment=NOW
        )
        assert chosen == ("", "opted_out")
    assert may_mass(person) == "opted_out"


def test_a_template_message_needs_a_follower_consent_and_a_service_notice():
    def chosen(person, notice=True):
        return choose_channel(
            person, channels=["template"], template_id="t", is_service_notice=notice, moment=NOW
        )

    assert chosen(Recipient(is_follower=True, has_consented=True)) == ("template", "")
    assert chosen(Recipient(is_follower=True)) == ("", "no_consent")
    assert chosen(Recipient(is_follower=False, has_consented=True)) == ("", "not_follower")
    assert chosen(Recipient(is_follower=True, has_consented=True), notice=False) == ("", "no_channel")


def test_a_subscription_message_needs_an_agreement_to_that_template():
    def chosen(**grants):
        person = Recipient(is_follower=False, grants=grants)
        return choose_channel(person, channels=["subscribe"], template_id="t", moment=NOW)

    assert chosen(t=1) == ("subscribe", "")
    assert chosen(t=0) == ("", "no_grant") and chosen(other=1) == ("", "no_grant")


def test_channels_are_tried_in_the_plans_order():
    person = Recipient(is_follower=True, has_consented=True, last_message_at=ago(hours=1), grants={"t": 1})
    for channels in (["custom", "subscribe"], ["subscribe", "custom"]):
        assert choose_channel(person, channels=channels, template_id="t", moment=NOW)[0] == channels[0]


def test_four_mass_messages_a_month_and_no_fifth():
    assert may_mass(Recipient(is_follower=True, n_mass_this_month=3)) == ""
    assert may_mass(Recipient(is_follower=True, n_mass_this_month=4)) == "mass_used"
    assert may_mass(Recipient(is_follower=False)) == "not_follower"


@given(seconds=st.integers(0, 4 * 86400), touched=st.integers(0, 300), sent=st.integers(0, 6))
def test_nothing_is_sent_that_tencent_would_refuse_for_its_window(seconds, touched, sent):
    person = Recipient(
        is_follower=True,
        last_message_at=ago(seconds=seconds),
        last_touch_at=ago(seconds=touched),
        n_since_message=sent,
        n_since_touch=sent,
    )
    if custom_window(person, NOW) == "":
        assert (seconds < 48 * 3600 and sent < 5) or (touched < 60 and sent < 3)


def test_every_reason_has_words():
    names = [name for name in vars(rules) if name.isupper() and isinstance(getattr(rules, name), str)]
    assert len(names) >= 8 and all(getattr(rules, name) in REASONS for name in names)
