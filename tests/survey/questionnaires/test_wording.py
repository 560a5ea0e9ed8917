"""Advice on wording: real faults are found, good questions are left alone."""

import pytest

from survey.questionnaires import bank, wording
from survey.questionnaires.drafting import blank_document
from survey.questionnaires.editing import Edit, apply_edit
from tests.survey.questionnaires.forms import DONT_KNOW, SKIP, document, item


def codes(doc):
    return {(advice.item, advice.code) for advice in wording.advise(doc)}


def scale(*labels):
    """A document whose only item has these options, from best to worst."""
    made = document(item("Q", "select_one", missing="dk"), languages=["zh-hans"])
    made["choice_lists"]["satisfied"] = [
        {"code": len(labels) - n, "label": {"zh-hans": label}} for n, label in enumerate(labels)
    ]
    return made


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("您对小区的停车秩序和物业服务满意吗？", ("小区的停车秩序", "物业服务")),
        ("您对公交以及地铁满意吗？", ("公交", "地铁")),
        ("您知道并且满意社区的文明实践站吗？", ("", "")),  # the form of 耒阳 2022 mixed the two
        ("您认为街道的绿化与照明方便吗？", ("街道的绿化", "照明")),
        ("您对居委会及物业的服务态度放心吗？", ("居委会", "物业的服务态度")),
    ],
)
def test_two_things_in_one_question_are_found(label, parts):
    assert wording.two_things(label) == parts


@pytest.mark.parametrize(
    "label",
    [
        "您对小区的停车秩序满意吗？", "您觉得邻里和睦吗？", "您对社区普及防诈骗知识满意吗？",
        "与三年前相比，您家的生活有什么变化？", "您对居民参与小区管理满意吗？", "您觉得家庭和谐重要吗？",
        "反映的问题办得及时，您满意吗？", "和去年相比，您对治安更放心吗？", "请问您今年多少岁？",
        "您和家人知道 12345 热线吗？", "您的学历是高中及以上吗？",
        "您对所在小区的楼道、路灯、管网等设施满意吗？",
    ],
)  # fmt: skip
def test_one_thing_is_left_alone(label):
    assert wording.two_things(label) is None


def test_a_double_question_is_cut_into_two():
    assert wording.halves("您对小区的停车秩序和物业服务满意吗？") == (
        "您对小区的停车秩序满意吗？",
        "您对物业服务满意吗？",
    )
    assert wording.halves("您觉得邻里和睦吗？") is None


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("您也认为环境变好了吗？", "presses"), ("环境不错吧？", "presses"), ("难道您不满意吗？", "presses"),
        ("大家都说治安好，您觉得呢？", "crowd"), ("专家认为应当限行，您支持吗？", "crowd"),
        ("创建取得了显著成效，您满意吗？", "praises"), ("城市不断改善，您满意吗？", "praises"),
        ("生活垃圾应该分类，您同意吗？", "agrees"),
    ],
)  # fmt: skip
def test_leading_words_are_named(label, kind):
    assert wording.leading(label)[0] == kind


@pytest.mark.parametrize("label", ["您对本地社会治安满意吗？", "您觉得邻居信得过吗？", "您是不是本市户口？"])
def test_a_neutral_question_does_not_lead(label):
    assert wording.leading(label) is None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        # the national safety survey of 2002: three good levels, two bad
        (("很安全", "安全", "基本安全", "不太安全", "不安全"), (3, 2)),
        (("满意", "基本满意", "不满意"), (2, 1)),
        (("非常满意", "比较满意", "一般", "不太满意", "很不满意"), (2, 2)),
        (("非常支持", "比较支持", "无所谓", "不太支持", "反对"), (2, 2)),
        (("明显变好", "有所变好", "没有变化", "有所变差", "明显变差"), (2, 2)),
        (("安全", "比较安全", "不太安全", "不安全"), (2, 2)),
        (("经常", "有时", "很少", "从未"), None),
        (("全知道", "知道大部分", "知道一点", "不知道"), None),
        (("男", "女"), None),
        (("盗窃", "诈骗", "打架", "食品安全"), None),
    ],
)
def test_the_two_sides_of_a_scale_are_counted(labels, expected):
    assert wording.sides(list(labels)) == expected


def test_an_unbalanced_scale_and_reversed_codes_are_told():
    assert ("Q", "unbalanced") in codes(scale("满意", "基本满意", "不满意"))
    good = scale("非常满意", "比较满意", "一般", "不太满意", "很不满意")
    assert codes(good) == set()
    for choice, code in zip(good["choice_lists"]["satisfied"], range(1, 6), strict=True):
        choice["code"] = code
    assert codes(good) == {("Q", "codes_reversed")}


def test_an_opinion_without_dont_know_and_a_forced_answer_are_told():
    doc = document(item("Q", "select_one", required=True, label={"zh-hans": "您对治安满意吗？"}))
    assert codes(doc) == {("Q", "no_dont_know"), ("Q", "forced")}
    doc["blocks"][0]["items"][0]["missing"] = "dk"
    assert codes(doc) == set()
    own = document(item("Q", "select_one", label={"zh-hans": "您觉得自己的生活幸福吗？"}))
    assert codes(own) == set()
    assert {DONT_KNOW["missing"], SKIP["missing"]} == {"dont_know", "refused"}


def test_what_does_not_fit_a_phone_is_told():
    doc = document(item("Q", "text", label={"zh-hans": "长" * 41}), item("S", "scale"))
    assert codes(doc) == {("Q", "long_label"), ("S", "no_ends")}
    doc = scale(*[f"选项{'很长' * 20 if n == 3 else n}" for n in range(13)])
    assert codes(doc) == {("Q", "long_option"), ("Q", "many_options")}


def test_more_than_eight_minutes_are_told_for_each_mode():
    doc = document(item("a", "text", seconds=400, modes=["web"]), item("b", "text", seconds=100))
    assert [(a.code, a.values["mode"], a.values["seconds"]) for a in wording.advise(doc)] == [
        ("too_long", "web", 500)
    ]


def test_double_negatives_are_told():
    doc = document(item("Q", "text", label={"zh-hans": "您不反对不收停车费吗？"}))
    assert codes(doc) == {("Q", "double_negative")}
    fine = document(item("Q", "text", label={"zh-hans": "您是不是没有参加过？"}))
    assert codes(fine) == set()


def test_what_the_advice_says_of_our_own_bank_is_known():
    made = blank_document(name="x", title="问卷")
    for entry in bank.entries():
        new, lists = bank.to_item(entry, ["zh-hans"])
        arguments = {"items": [new], "block": "block", "lists": lists}
        made = apply_edit(made, Edit("add_items", "", arguments))
    told = {}
    for name, code in codes(made):
        if name:
            told.setdefault(code, set()).add(name)
    # Roads with parking, markets' hygiene with order and the like are two things: authors are told.
    assert told.pop("two_things") == {"Q01", "Q02", "Q04", "Q09", "Q17", "Q18"}
    assert told.pop("leading_praises") == {"G02"}
    assert told == {"no_dont_know": {"G02"}}
