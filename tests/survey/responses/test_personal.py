"""Personal answers part from the others and come back unchanged, inside repeat groups too."""

from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires.document import expression
from survey.responses.own_data import answer_at
from survey.responses.personal import join, part, personal_items, places_of

NAMES = ["a", "b", "c", "secret1", "secret2"]
PERSONAL = frozenset({"secret1", "secret2"})
values = st.one_of(st.integers(), st.text("ab住", max_size=5), st.lists(st.integers(), max_size=3))
flat = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
answers = st.builds(
    lambda head, group: {**head, **({"group": group} if group else {})}, flat, st.lists(flat, max_size=4)
)


@given(answers)
def test_parting_and_joining_is_the_identity(whole):
    plain, sealed = part(whole, PERSONAL)
    assert join(plain, sealed) == whole
    assert not [place for place, _name, _value in places_of(plain, PERSONAL)]
    assert {name for _place, name, _value in places_of(sealed, set(NAMES))} <= PERSONAL


@given(answers)
def test_every_personal_answer_is_found_at_its_place(whole):
    for place, name, value in places_of(whole, PERSONAL):
        assert answer_at(whole, place) == (
            name,
            int("[" in place and place.split("[")[1].split("]")[0]),
            value,
        )


def test_what_is_calculated_from_personal_answers_is_personal():
    def calculate(name, text):
        return {"name": name, "type": "calculate", "calculation": expression(text)}

    document = {
        "blocks": [
            {
                "name": "b",
                "items": [
                    {"name": "who", "type": "text"},
                    {"name": "age", "type": "integer"},
                    calculate("greeting", "concat('您好，', ${who})"),
                    calculate("twice", "concat(${greeting}, ${greeting})"),
                    calculate("old", "${age} > 60"),
                    {"name": "here", "type": "place"},
                ],
            },
            {"name": "household", "kind": "household"},
        ]
    }
    assert personal_items(document) == {"who", "greeting", "twice", "here"}
