"""What a check says can be said in another language, and is Chinese as it stands."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires.checking import check_document
from survey.questionnaires.said import Said, in_words, said
from tests.survey.questionnaires.forms import document, item

ENGLISH = {
    "没有“{ref}”这一题": "There is no question “{ref}”",
    "这种题不能用“{part}”": "This type has no “{part}”",
    "只读": "read-only",
    "这里有：{names}": "Here: {names}",
    "、": ", ",
}


def english(text):
    return ENGLISH.get(text, text)


def test_a_sentence_is_its_chinese_text_and_remembers_its_parts():
    made = said("没有“{ref}”这一题", ref="Q9")
    assert made == "没有“Q9”这一题" and isinstance(made, str)
    assert in_words(made, english) == "There is no question “Q9”"
    assert in_words(copy.deepcopy(made), english) == "There is no question “Q9”"


def test_parts_that_are_sentences_are_translated_too():
    made = said("这种题不能用“{part}”", part=said("只读"))
    assert in_words(made, english) == "This type has no “read-only”"


def test_a_list_is_read_out_with_the_commas_of_the_language():
    made = said("这里有：{names}", names=["甲", said("只读"), 5])
    assert made == "这里有：甲、只读、5"
    assert in_words(made, english) == "Here: 甲, read-only, 5"


def test_what_has_no_template_stays_as_it_is():
    assert in_words("随便写的 {x}", english) == "随便写的 {x}"
    assert in_words(said("如 ${家人} 或 .."), english) == "如 ${家人} 或 .."


@given(st.dictionaries(st.sampled_from("abc"), st.text(max_size=9) | st.integers(), min_size=3))
def test_values_are_never_read_as_templates(values):
    made = said("{a}：{b}，{c}", **values)
    assert in_words(made, str) == made


def test_what_the_checks_find_carries_its_template():
    made = document(item("Q01", "select_one", relevant="${Q9} = 1"), item("Q02", "note", readonly=True))
    found = check_document(made)
    assert {type(problem.message) for problem in found if problem.code != "shape"} == {Said}
    assert "There is no question “Q9”" in {in_words(problem.message, english) for problem in found}
