"""统计用区划代码: levels, paths and parents, as the national rule has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.regions.codes import CodeError, level_of_word, parse_code, path_at


@pytest.mark.parametrize(
    ("code", "level", "path", "parent", "kind"),
    [
        ("370000000000", "province", "37", "", ""),
        ("370100000000", "city", "3701", "37", ""),
        ("370105000000", "district", "370105", "3701", ""),
        ("370105001000", "street", "370105001", "370105", "街道"),
        ("370126100000", "street", "370126100", "370126", "镇"),
        ("370126200000", "street", "370126200", "370126", "乡"),
        ("370117400000", "street", "370117400", "370117", "类似乡级单位"),
        ("370105001201", "community", "370105001201", "370105001", "村委会"),
        ("370105001001", "community", "370105001001", "370105001", "居委会"),
        ("370105001401", "community", "370105001401", "370105001", "类似居委会"),
        ("370105001001007", "grid", "370105001001007", "370105001001", ""),
        ("441900003000", "street", "441900003", "4419", "街道"),  # 东莞 has no counties
    ],
)
def test_it_reads_level_path_and_parent(code, level, path, parent, kind):
    parsed = parse_code(code)
    assert (parsed.level, parsed.path, parsed.parent_path, parsed.kind) == (level, path, parent, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("37010500100a", "digits"),
        ("３７０１０５００１０００", "digits"),  # full-width digits are not a code
        ("", "digits"),
        ("37010500100", "length"),
        ("3701050010001", "length"),
        ("370105001001000", "length"),  # fifteen digits, but no grid
        ("000000000000", "hole"),
        ("370005001000", "hole"),  # no city
        ("370105000001", "hole"),  # a village without a township
        ("370105000001001", "hole"),
    ],
)
def test_it_refuses_what_is_not_a_code(text, kind):
    with pytest.raises(CodeError) as caught:
        parse_code(text)
    assert caught.value.kind == kind


@given(st.from_regex(r"[1-9][0-9]([0-9]{10}|[0-9]{13})", fullmatch=True))
def test_a_parent_is_a_prefix_and_one_of_the_levels_above(code):
    try:
        parsed = parse_code(code)
    except CodeError:
        return
    assert code.startswith(parsed.path)
    assert parsed.path.startswith(parsed.parent_path)
    assert len(parsed.parent_path) < len(parsed.path)
    assert set(code[len(parsed.path) :]) <= {"0"}
    if parsed.parent_path:
        parent = parse_code(parsed.parent_path.ljust(12, "0"))
        assert parent.path == parsed.parent_path or parent.path == parsed.parent_path.rstrip("0")


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_is_refused_with_a_kind(text):
    try:
        parse_code(text)
    except CodeError as error:
        assert error.kind in ("digits", "length", "hole")


def test_it_finds_an_ancestor_at_a_level():
    assert path_at("370105001201", "street") == "370105001"
    assert path_at("370105001201", "district") == "370105"


@pytest.mark.parametrize(("word", "level"), [("街道", "street"), ("Township", "street"), ("村", "community")])
def test_it_knows_the_words_for_levels(word, level):
    assert level_of_word(word) == level
    assert level_of_word("什么") is None
