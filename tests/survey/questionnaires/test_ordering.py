"""Random orders follow from the response's id alone, and everything that is pinned stays."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires.document import own_choices
from survey.questionnaires.ordering import (
    order_problems,
    ordered_choices,
    ordered_items,
    orders_of,
    permute,
    sort_key,
)
from tests.expressions.engines import NODE, run_node
from tests.survey.questionnaires.agreement import SCRIPT
from tests.survey.questionnaires.forms import document, item

SEED = "3f2b6c1e-1111-4111-8111-111111111111"
RANDOM = {"random": True}
ELEMENTS = st.lists(st.text(min_size=1, max_size=3), unique=True, max_size=12)
IDS = st.uuids(version=4).map(str)


def test_the_sort_key_is_the_hash_of_seed_list_and_element():
    assert sort_key(SEED, "Q1", "5") == hashlib.sha256(f"{SEED}/Q1/5".encode()).hexdigest()


def test_the_order_of_a_known_response_does_not_change_with_a_release():
    assert permute(["5", "4", "3", "2", "1"], SEED, "Q1") == ["1", "3", "4", "5", "2"]


@given(ELEMENTS, IDS, st.integers(0, 5), st.integers(0, 5))
def test_pinned_elements_stay_and_none_is_lost(elements, seed, first, last):
    fixed = elements[2:4]
    order = permute(elements, seed, "list", first, last, fixed)
    assert sorted(order) == sorted(elements)
    assert order[:first] == elements[:first]
    if last:
        assert order[-last:] == elements[-last:]
    assert [order[elements.index(element)] for element in fixed] == fixed


@given(ELEMENTS, IDS)
def test_the_order_does_not_depend_on_how_the_list_was_written(elements, seed):
    assert permute(elements, seed, "list") == permute(elements[::-1], seed, "list")


def test_every_order_of_three_comes_up_about_equally_often():
    counts = {}
    for number in range(6000):
        order = tuple(permute(["a", "b", "c"], f"response-{number}", "Q"))
        counts[order] = counts.get(order, 0) + 1
    # Six equally likely orders: 1000 each, standard deviation 28.9; five of them is a miss in 2 million.
    assert len(counts) == 6
    assert max(abs(count - 1000) for count in counts.values()) < 145


def test_exclusive_and_other_options_keep_their_places_unless_stated():
    doc = document(item("m", "select_multiple", order=RANDOM))
    choice_item = doc["blocks"][0]["items"][0]
    offered = own_choices(doc, choice_item)
    seeds = [f"{SEED[:-2]}{n:02d}" for n in range(40)]
    orders = [[c["code"] for c in ordered_choices(doc, choice_item, seed, offered)] for seed in seeds]
    assert {tuple(order[2:]) for order in orders} == {(9, 96)}
    assert {tuple(order[:2]) for order in orders} == {(1, "b"), ("b", 1)}
    choice_item["order"] = RANDOM | {"all": True}
    orders = [[c["code"] for c in ordered_choices(doc, choice_item, seed, offered)] for seed in seeds]
    assert len({order[3] for order in orders}) > 1


def test_missing_answers_stay_at_the_end_and_what_is_not_offered_is_left_out():
    doc = document(item("a", "select_one", missing="dk", order=RANDOM))
    choice_item = doc["blocks"][0]["items"][0]
    everything = [*own_choices(doc, choice_item), *doc["choice_lists"]["dk"]]
    order = [c["code"] for c in ordered_choices(doc, choice_item, SEED, everything)]
    assert order[-2:] == [-1, -2]
    some = [choice for choice in everything if choice["code"] != 3]
    assert [c["code"] for c in ordered_choices(doc, choice_item, SEED, some)] == [c for c in order if c != 3]


def test_companions_and_rows_of_a_matrix_move_together():
    items = [
        item("a", "select_one"),
        item("a_other", "text", **{"with": "a"}),
        item("m1", "select_one", matrix="m"),
        item("m2", "select_one", matrix="m"),
        item("z", "text"),
    ]
    block = {"name": "block", "order": RANDOM, "items": items}
    doc = document(blocks=[block], matrices={"m": {"label": {"zh-hans": "题干"}, "order": RANDOM}})
    firsts, rows = set(), set()
    for number in range(60):
        names = [each["name"] for each in ordered_items(doc, block, f"response-{number}")]
        assert names[names.index("a") + 1] == "a_other"
        assert abs(names.index("m1") - names.index("m2")) == 1
        firsts.add(names[0])
        rows.add(names.index("m1") < names.index("m2"))
    assert firsts == {"a", "m1", "m2", "z"}
    assert rows == {True, False}
    assert set(orders_of(doc, SEED)) == {"block", "m"}
    assert sorted(orders_of(doc, SEED)["block"]) == ["a", "m1", "z"]


def test_a_recorded_order_is_compared_with_the_rule():
    doc = document(item("a", "select_one", order=RANDOM), item("b", "select_one"))
    rule = orders_of(doc, SEED)["a"]
    assert order_problems(doc, SEED, {"a": rule}) == []
    assert order_problems(doc, SEED, {"a": [int(code) for code in rule[1:]]}) == []
    assert order_problems(doc, SEED, {"a": rule[::-1]}) == ["a"]
    assert order_problems(doc, SEED, {"a": ["x"], "b": ["1"], "c": "1"}) == ["a", "b", "c"]
    assert order_problems(doc, SEED, None) == order_problems(doc, SEED, {}) == []


@pytest.mark.skipif(NODE is None, reason="this machine has no `node`, which runs the phone's half")
def test_the_phone_hashes_chinese_and_long_names_alike():
    choices = [{"code": code, "label": {"zh-hans": code}} for code in ("路灯", "電梯", "😀", "x" * 64, "é")]
    doc = document(item("a", "select_one", order=RANDOM), choice_lists={"satisfied": choices})
    jobs = [
        {"document": 0, "answers": {}, "mode": "web", "now": 0, "partial": False, "seed": f"{SEED}{n}"}
        for n in range(50)
    ]
    found = run_node(SCRIPT, [json.loads(json.dumps({"documents": [doc], "jobs": jobs}))])[0]
    assert [each["rules"] for each in found] == [orders_of(doc, job["seed"]) for job in jobs]
