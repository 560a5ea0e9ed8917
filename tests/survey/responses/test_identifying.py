"""What a reviewer is shown in an open answer, and what is let alone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.responses.identifying import KINDS, hints, is_identity_number, pieces, without

WORDS = {kind: f"（{kind}）" for kind in KINDS}


@pytest.mark.parametrize(
    ("text", "kind", "stretch"),
    [
        ("请打 13800138000 找我", "mobile", "13800138000"),
        ("电话138-0013-8000。", "mobile", "138-0013-8000"),
        ("单位电话 0531-86012345", "landline", "0531-86012345"),
        # GB 11643-1999 itself prints this number as its example.
        ("身份证 11010519491231002X，", "identity_number", "11010519491231002X"),
        ("写信到 li.ming@example.com.cn 吧", "email", "li.ming@example.com.cn"),
        ("加微信：wxid_li2024", "account", "微信：wxid_li2024"),
        ("车牌鲁A12345堵门", "plate", "鲁A12345"),
        ("我住3号楼2单元501室，楼道灯坏了", "dwelling", "3号楼2单元501室"),
        ("居委会的王主任态度好", "person", "王主任"),
    ],
)
def test_it_finds(text, kind, stretch):
    assert [(text[h.start : h.end], h.kind) for h in hints(text)] == [(stretch, kind)]


@pytest.mark.parametrize(
    "text",
    [
        "希望多一些停车位，2024年就说要修",
        "等公交要30分钟，来回12公里",
        "楼下那盏路灯坏了三个月",
        "11010519491231002 1 位数字",
        "",
    ],
)
def test_it_lets_alone_what_names_nobody(text):
    assert hints(text) == []


def test_a_number_whose_check_character_is_wrong_is_no_identity_number():
    assert is_identity_number("11010519491231002X") and not is_identity_number("110105194912310021")
    assert [h.kind for h in hints("110105194912310021")] == []


def test_a_proposal_keeps_everything_else_as_it_was_written():
    text = "我住3号楼2单元501室，电话13800138000，路灯坏了"
    assert without(text, WORDS) == "我住（dwelling），电话（mobile），路灯坏了"


@given(st.text(alphabet="0123456789一二三号楼单元室王李主任@.aX鲁A，。 ", max_size=60))
def test_the_pieces_are_the_text_and_no_hint_overlaps_another(text):
    assert "".join(stretch for stretch, _kind in pieces(text)) == text
    found = hints(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(0 <= h.start < h.end <= len(text) for h in found)
