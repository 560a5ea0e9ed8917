"""The final result of a case, from all its contacts."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.contacts import dispositions
from survey.contacts.dispositions import Contacted

START = datetime(2026, 11, 2, 9)


def final(*contacts):
    """Final code of (mode, code) contacts, an hour apart."""
    rows = [Contacted(mode, START + timedelta(hours=i), code) for i, (mode, code) in enumerate(contacts)]
    return dispositions.final(rows).code


@pytest.mark.parametrize(
    ("contacts", "code"),
    [
        ([], "3.11"),
        ([("letter", "")], "3.19"),
        ([("letter", ""), ("door", "2.24")], "2.24"),
        ([("door", "2.24"), ("door", "2.111"), ("door", "2.24")], "2.111"),
        ([("door", "2.111"), ("door", "1.1")], "1.1"),
        ([("web", "1.1"), ("door", "2.111")], "1.1"),
        ([("door", "1.2"), ("web", "1.1"), ("door", "2.24")], "1.1"),
        ([("door", "4.61"), ("door", "2.112")], "2.112"),
        ([("door", "2.112"), ("door", "4.61")], "4.61"),
        ([("door", "3.18"), ("door", "3.21")], "3.21"),
        ([("door", "3.21"), ("door", "3.18")], "3.21"),
        ([("door", "2.32"), ("door", "2.24")], "2.32"),
        ([("letter", "3.30"), ("door", "2.24")], "2.24"),
        ([("web", "")], "3.11"),
    ],
)
def test_what_tells_most_decides(contacts, code):
    assert final(*contacts) == code


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["door", "phone"]),
            st.sampled_from([d.code for d in dispositions.choices("door")]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_final_result_is_one_that_happened_and_an_interview_always_wins(contacts):
    code = final(*contacts)
    recorded = [c for _mode, c in contacts]
    assert code in recorded
    if "1.1" in recorded:
        assert code == "1.1"


def test_each_class_of_outcome_can_be_recorded_and_every_code_has_a_chinese_label():
    for mode in dispositions.LIST_OF_MODE:
        entries = dispositions.choices(mode)
        assert {entry.outcome_class for entry in entries} == {"I", "P", "R", "NC", "O", "UH", "UO", "NE"}
        assert all(entry.label_zh and entry.label_en for entry in entries)
        assert len({entry.code for entry in entries}) == len(entries)


@pytest.mark.parametrize(
    ("code", "outcome"),
    # Classes as in AAPOR's calculator: break-offs are refusals, 3.1x households, the other 3.x persons.
    [
        ("2.12", "R"),
        ("2.25", "NC"),
        ("2.33", "O"),
        ("3.18", "UH"),
        ("3.21", "UO"),
        ("4.51", "NE"),
        ("9.9", ""),
    ],
)
def test_codes_have_their_class(code, outcome):
    assert dispositions.outcome_class("door", code) == outcome


def test_a_heading_without_a_class_cannot_be_recorded():
    assert dispositions.find("door", "3.0") is None
    assert dispositions.find("door", "1.1").label_zh == "完整访问"
