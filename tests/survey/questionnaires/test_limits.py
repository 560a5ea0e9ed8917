"""Fields of what an answer must be come back from the constraint they make."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires import limits
from survey.questionnaires.expressions import parse
from survey.questionnaires.limits import PATTERNS, Limits, is_asked, read, write

NUMBERS = st.integers(-(10**9), 10**9) | st.decimals(-1000, 1000, places=3).map(float).filter(
    lambda value: not value.is_integer()
)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
NAMES = st.sampled_from(["", "age", "Q01_other"])
REST = {
    "least_item": NAMES,
    "most_item": NAMES,
    "today": st.sampled_from(["", "past", "future"]),
    "pattern": st.sampled_from(["", *PATTERNS]),
    "shortest": st.none() | st.integers(0, 500),
}
LIMITS = st.one_of(
    st.builds(Limits, least=st.none() | value, most=st.none() | value, **REST) for value in (NUMBERS, DAYS)
)


@given(LIMITS)
def test_what_is_filled_in_comes_back_from_the_constraint(asked):
    text = write(asked)
    if is_asked(asked):
        assert read(parse(text)) == asked
    else:
        assert text == ""


@pytest.mark.parametrize(
    "text",
    [
        ". > 3",
        "${a} >= 3",
        ". >= 1 and . >= 2",
        ". >= 1 or . <= 0",
        ". >= 'x'",
        ".",
        "regex(., 'x')",
        "regex(${a}, '^[0-9]+$')",
        "string-length(.) <= 3",
        "string-length(.) >= 2.5",
        ". >= 1 and . <= date('2020-01-01')",
        "not(. >= 1)",
        "3",
    ],
)
def test_other_constraints_stay_texts(text):
    assert read(parse(text)) is None


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("mobile", "13800138000", "12800138000"),
        ("landline", "0531-86012345", "0531-16012345"),
        ("identity_number", "11010519491231002X", "1101051949123100"),
        ("postcode", "250000", "25000"),
        ("email", "li@example.com.cn", "li@example"),
        ("digits", "0042", "42a"),
    ],
)
def test_each_shape_takes_what_it_is_named_after(pattern, good, bad):
    assert re.search(limits.PATTERNS[pattern], good) and not re.search(limits.PATTERNS[pattern], bad)
