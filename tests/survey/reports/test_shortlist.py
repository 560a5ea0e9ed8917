"""A long league: what is seen at once, what is folded, and that nothing is lost or re-ordered."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.reports.charts import make_axis
from survey.reports.reading import League, Row
from survey.reports.shortlist import FOLD_OVER, PAGE_SIZE, Listing, shorten
from survey.reports.words import Figure


def league_of(n, tied=()):
    rows = [
        Row(
            f"3701050{k:05}", f"{k} 号街道", "天桥区", Figure("score", str(k), "分"), "<svg/>",
            "tie" if k in tied else "", None,
        )
        for k in range(n)
    ]  # fmt: skip
    return League("street", "", rows, [], "", make_axis([0], [100]), "", [], False, 0)


def keys(rows):
    return [row.key for row in rows]


def test_a_short_league_is_shown_whole():
    for n in (0, 1, 2, FOLD_OVER):
        made = league_of(n)
        short = shorten(made, None, Listing())
        assert not short.is_folded and short.stretches[0].rows == made.rows == short.numbers
        assert short.address("x", "score") == "#row-x"


def test_a_long_league_shows_the_top_and_the_reader_s_own_unit_with_its_neighbours():
    made = league_of(164)
    short = shorten(made, made.rows[100].key, Listing())
    top, around = short.stretches
    assert keys(top.rows) == keys(made.rows[:5]) and keys(around.rows) == keys(made.rows[98:103])
    assert (around.skipped, short.left, short.total) == (93, 61, 164)
    assert "100 号街道前后各 2 个" in short.note and keys(short.rows) == keys(made.rows)


def test_nobody_is_singled_out_as_the_last():
    short = shorten(league_of(164), None, Listing())
    assert len(short.stretches) == 1 and short.left == 156


def test_ties_keep_their_tint():
    made = league_of(30, tied=(2, 14, 15))
    short = shorten(made, made.rows[15].key, Listing())
    shown = {row.key: row.emphasis for stretch in short.stretches for row in stretch.rows}
    assert {key for key, emphasis in shown.items() if emphasis == "tie"} == {
        made.rows[k].key for k in (2, 14, 15)
    }


def test_five_thousand_come_in_pages():
    made = league_of(5000)
    seen = []
    for page in range(1, 26):
        short = shorten(made, None, Listing(everything=True, page=page))
        assert len(short.rows) == PAGE_SIZE and short.is_open and short.pages == 25
        assert short.before == page - 1 and short.after == (page + 1 if page < 25 else 0)
        seen += keys(short.rows)
    assert seen == keys(made.rows)
    last = shorten(made, None, Listing(page=999))
    assert last.page == 25
    assert "page=25" in last.address(made.rows[-1].key, "score")


@given(st.integers(0, 400), st.integers(0, 399))
def test_what_is_shown_and_what_is_left_out_add_up_to_the_league(n, own):
    made = league_of(n)
    short = shorten(made, made.rows[own].key if own < n else None, Listing())
    order, at = keys(made.rows), 0
    for stretch in short.stretches:
        at += stretch.skipped
        assert keys(stretch.rows) == order[at : at + len(stretch.rows)]
        at += len(stretch.rows)
    assert at + short.left == n
    if own < n:
        assert order[own] in [key for s in short.stretches for key in keys(s.rows)]


def test_a_name_is_found_wherever_it_stands():
    made = league_of(164)
    short = shorten(made, None, Listing(find="163 号"))
    assert keys(short.stretches[0].rows) == [made.rows[163].key] and short.matches == 1
    assert len(shorten(made, None, Listing(find="天桥")).stretches[0].rows) == 164
    none = shorten(made, None, Listing(find="没有的街道"))
    assert none.stretches[0].rows == [] and "没有名字带“没有的街道”的" in none.note


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "99999999999999999999", "²", "1e3", "٣"])
def test_any_page_in_the_address_gives_a_page(page):
    assert shorten(league_of(500), None, Listing.of({"page": page, "list": "all"})).page == 1


@given(st.dictionaries(st.sampled_from(["q", "list", "page"]), st.text(max_size=60)))
def test_any_address_gives_a_list(query):
    listing = Listing.of(query)
    short = shorten(league_of(40), None, listing)
    assert 1 <= short.page <= short.pages and len(listing.find) <= 40
    assert re.fullmatch(r"\?indicator=score&list=all&page=1#row-\w+", short.address("370105000007", "score"))
