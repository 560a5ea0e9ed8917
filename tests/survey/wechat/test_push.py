"""What is posted to the callback, friendly and hostile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.wechat.push import MAX_PUSH_BYTES, ParseError, parse_push

# Formats of protocol file section 3; the values are invented.
TEXT = (
    "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"
    "<CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType>"
    "<Content><![CDATA[ 想问 <b>信</b> ]]></Content><MsgId>18446744073709551615</MsgId></xml>"
)
SUBSCRIBE = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>123456789</CreateTime>"
    "<MsgType>event</MsgType><Event>subscribe</Event><EventKey>qrscene_123</EventKey><Ticket>T</Ticket></xml>"
)
LIST = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>"
    "<MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>"
    "<List><TemplateId>a</TemplateId></List><List><TemplateId>b</TemplateId></List>"
    "</SubscribeMsgPopupEvent></xml>"
)


def test_a_text_keeps_its_spaces_its_brackets_and_all_64_bits_of_its_id():
    fields = parse_push(TEXT.encode())
    assert fields["Content"] == " 想问 <b>信</b> "
    assert fields["MsgId"] == "18446744073709551615"


def test_an_event_has_its_key():
    assert parse_push(SUBSCRIBE.encode())["EventKey"] == "qrscene_123"


def test_repeated_elements_become_a_list():
    popup = parse_push(LIST.encode())["SubscribeMsgPopupEvent"]
    assert popup == {"List": [{"TemplateId": "a"}, {"TemplateId": "b"}]}


def test_secure_mode_has_only_the_ciphertext():
    body = b"<xml><ToUserName>gh_1</ToUserName><Encrypt>abc=</Encrypt></xml>"
    assert parse_push(body)["Encrypt"] == "abc="


def test_a_byte_order_mark_and_a_declaration_are_read():
    assert parse_push(('﻿<?xml version="1.0" encoding="UTF-8"?>' + TEXT).encode())["MsgType"] == "text"


HOSTILE = {
    "nothing": "",
    "json": '{"ToUserName":"gh_1"}',
    "cut short": TEXT[:-7],
    "another root": TEXT.replace("xml>", "html>"),
    "two roots": TEXT + TEXT,
    "no fields": "<xml>text</xml>",
    "a missing field": TEXT.replace("MsgType", "Msg"),
    "an empty field": TEXT.replace("<![CDATA[o1]]>", ""),
    "a field given twice": TEXT.replace("<MsgId>", "<MsgType>image</MsgType><MsgId>"),
    "a nested sender": TEXT.replace("<![CDATA[o1]]>", "<a>o1</a>"),
    "a time that is none": TEXT.replace("1348831860", "soon"),
    "an event without its name": SUBSCRIBE.replace("<Event>subscribe</Event>", ""),
    "an entity": '<!DOCTYPE x [<!ENTITY a "b">]>' + TEXT.replace("gh_1", "&a;"),
    "an external entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + TEXT,
    "a thousand laughs": '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml>&b;</xml>',
    "a document type": "<!DOCTYPE xml>" + TEXT,
    "a deep nest": "<xml>" + "<a>" * 50 + "</a>" * 50 + "</xml>",
    "a very deep nest": "<xml>" + "<a>" * 9000 + "</a>" * 9000 + "</xml>",
    "a strange encoding": '<?xml version="1.0" encoding="no-such"?>' + TEXT,
    "a null": TEXT.replace("gh_1", "gh\x00"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_it_refuses(what):
    with pytest.raises(ParseError):
        parse_push(HOSTILE[what].encode())


def test_it_refuses_a_body_beyond_the_cap_without_reading_it():
    with pytest.raises(ParseError, match=str(MAX_PUSH_BYTES)):
        parse_push(b"<" * (MAX_PUSH_BYTES + 1))
    with pytest.raises(ParseError, match="10 bytes"):
        parse_push(TEXT.encode(), max_bytes=10)


def test_a_refusal_repeats_nothing_of_the_body():
    with pytest.raises(ParseError) as refusal:
        parse_push(TEXT.replace("1348831860", "o-secret-openid").encode())
    assert "o-secret" not in str(refusal.value)


FRAGMENTS = [b"<", b"&", b"]]>", b"<xml>", b"&#0;", b"\xff", b"<!--"]


@settings(max_examples=300)
@given(body=st.binary(max_size=400))
def test_random_bytes_are_refused_and_nothing_else_happens(body):
    with pytest.raises(ParseError):
        parse_push(body)


@settings(max_examples=300)
@given(data=st.data())
def test_a_mutilated_push_is_read_or_refused_and_nothing_else_happens(data):
    body = bytearray(data.draw(st.sampled_from([TEXT, SUBSCRIBE, LIST])).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        change = data.draw(st.sampled_from(["replace", "insert", "delete"]))
        if change == "delete":
            del body[at : at + data.draw(st.integers(1, 20))]
        elif change == "insert":
            body[at:at] = data.draw(
                st.sampled_from([b"<", b"&", b"]]>", b"<xml>", b"&#0;", b"\xff", b"<!--"])
            )
        else:
            body[at] = data.draw(st.integers(0, 255))
    try:
        fields = parse_push(bytes(body))
    except ParseError:
        return
    assert isinstance(fields["FromUserName"], str) and fields["CreateTime"].isdigit()
