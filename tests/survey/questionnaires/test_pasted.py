"""A pasted text in the manner of Chinese survey tools: what it becomes, and which line is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.questionnaires.document import document_hash, items_of
from survey.questionnaires.pasted import MAX_TEXT, read_pasted

WHOLE = """居民满意度问卷
请放心填写，答案只作统计。

一、基本情况
1. 您的性别：[单选题] *
○男
○女

2、您的年龄段 [单选题] *
A. 18-30岁   B. 31-60岁   C. 60岁以上（请跳至第5题）

3. 您用过哪些办法反映问题？【多选题】[最多选3项]
□ 打 12345 热线
□ 找居委会
□ 其他 _________ *
□ 以上都没有

4. 为什么不找居委会？ [填空题]
_________________________________
依赖于第1题第2个选项

二、评价
5. 您对社区工作满意吗？ [量表题]
很不满意  ○1 ○2 ○3 ○4 ○5  很满意
6. 您对以下各项的评价 [矩阵量表题] *
\t很满意\t满意\t一般\t不满意\t很不满意
环境卫生\t○\t○\t○\t○\t○
治安\t○\t○\t○\t○\t○
7. 下面几项，请按重要程度排序（排序题）
停车
路灯
8. 您对小区
物业满意吗？（单选）
A、满意
B、不满意
C、说不清
9. 还有什么想说的 [简答题]

感谢您的参与！
"""


def items(text, **more):
    pasted = read_pasted(text, **more)
    assert pasted.document is not None, [str(problem) for problem in pasted.problems]
    return {item["name"]: item for item in items_of(pasted.document)}


def only(text):
    """The items and the document of one question; a second one keeps the text from being a lone line."""
    pasted = read_pasted(text, title="问卷")
    assert pasted.document is not None, [str(problem) for problem in pasted.problems]
    return next(items_of(pasted.document)), pasted


def codes(pasted, name="Q1_list"):
    return [(choice["code"], choice["label"]["zh-hans"]) for choice in pasted.document["choice_lists"][name]]


def test_a_whole_questionnaire_is_read_with_sections_conditions_and_passages():
    pasted = read_pasted(WHOLE)
    document = pasted.document
    assert [str(problem) for problem in pasted.problems] == ["第 36 行：“说不清”记作不算分的回答（代码 -1）"]
    assert document["title"] == {"zh-hans": "居民满意度问卷"}
    assert [block.get("title", {}).get("zh-hans") for block in document["blocks"]] == [
        None,
        "一、基本情况",
        "二、评价",
    ]
    made = items(WHOLE)
    assert {name: item["type"] for name, item in made.items()} == {
        "note_1": "note",
        "Q1": "select_one",
        "Q2": "select_one",
        "Q3": "select_multiple",
        "Q3_other": "text",
        "Q4": "text",
        "Q5": "scale",
        "Q6_1": "select_one",
        "Q6_2": "select_one",
        "Q7": "ranking",
        "Q8": "select_one",
        "Q9": "text",
        "note_2": "note",
    }
    assert [name for name, item in made.items() if item.get("required")] == ["Q1", "Q2", "Q6_1", "Q6_2"]
    assert made["Q3"]["max_choices"] == 3
    assert made["Q3"]["relevant"]["text"] == "not(selected(${Q2}, '3'))"
    assert made["Q4"]["relevant"]["text"] == "(selected(${Q1}, '2')) and (not(selected(${Q2}, '3')))"
    assert made["Q3_other"]["with"] == "Q3"
    assert made["Q5"]["ends"] == {"low": {"zh-hans": "很不满意"}, "high": {"zh-hans": "很满意"}}
    assert made["Q8"]["label"] == {"zh-hans": "您对小区物业满意吗？"}
    assert document["matrices"] == {"Q6_matrix": {"label": {"zh-hans": "您对以下各项的评价"}}}
    assert made["note_2"]["label"] == {"zh-hans": "感谢您的参与！"}
    assert document["choice_lists"]["Q3_list"][3]["exclusive"] is True


@pytest.mark.parametrize(
    "text",
    [
        "1. 是吗？[单选题]\nA. 是\nB. 否",
        "1、是吗？【单选】\nA、是\nB、否",
        "1．是吗？（单选题）\n（A）是\n（B）否",
        "第1题 是吗？[单选题]\n○ 是\n○ 否",
        "Q1. 是吗？[单选题]\n是\n否",
        "1. 是吗？[单选题]\nA. 是  B. 否",
        "1. 是吗？[单选题]\n○是 ○否",
        "1. 是吗？[单选题]\n① 是\n② 否",
        "1. 是吗？[单选题]\n1) 是\n2) 否",
        "1. 是吗？ [单选题]\r\nA.是\r\nB.否\r\n",
        "1.\u3000是吗？\xa0[单选题]\nA．是\nB．否",
        "1. 是吗？[判断题]\n是\n否",
        "1. 是吗？[下拉题]\n- 是\n- 否",
        "1 . 是吗？[单选题]\n[ ]是\n[ ] 否",
        "Q1：是吗？[单选题]\nA：是\nB：否",
        "01. 是吗？： [单选题] \nA. 是\n\nB. 否",
    ],
)
def test_one_choice_in_many_manners(text):
    item, pasted = only(text)
    assert item["type"] == "select_one"
    assert item["label"] == {"zh-hans": "是吗？"}
    assert codes(pasted) == [(1, "是"), (2, "否")]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1. 写 [填空题]\n____", {"type": "text"}),
        ("1. 写 [问答题] *", {"type": "text", "multiline": True, "required": True}),
        ("*1. 写 [填空题]", {"required": True}),
        ("1. 写 [填空题][必答]", {"required": True}),
        ("1. 几个 [数字题]", {"type": "integer"}),
        ("1. 哪天 [日期题]", {"type": "date"}),
        ("1. 几点 [时间题]", {"type": "time"}),
        ("1. 拍 [上传图片题]", {"type": "photo"}),
        ("1. 哪里 [定位题]", {"type": "place"}),
        ("1. 签 [签名题]", {"type": "signature"}),
        ("1. 说明 [段落说明]", {"type": "note"}),
        ("1. 几分 [量表题 0-10]", {"type": "scale", "from": 0, "to": 10}),
        ("1. 几分 [NPS题]", {"type": "scale", "from": 0, "to": 10}),
        ("1. 几分 [量表题]\n1 2 3 4 5 6 7", {"type": "scale", "from": 1, "to": 7}),
        ("1. 几星 [评分题]", {"type": "rating"}),
        ("1. 选 [多选题][选2-3项]\nA. 甲\nB. 乙\nC. 丙", {"min_choices": 2, "max_choices": 3}),
        ("1. 选 [多选题，至少选2项]\nA. 甲\nB. 乙\nC. 丙", {"min_choices": 2}),
        ("1. 选 [单选题][选项随机]\nA. 甲\nB. 乙", {"order": {"random": True}}),
    ],
)
def test_types_and_settings_stand_in_brackets(text, part):
    item, _pasted = only(text)
    assert part.items() <= item.items()


def test_what_stands_in_round_brackets_stays_unless_it_is_surely_a_type():
    item, _pasted = only("1. 您什么时候（时间）来的（必答）[填空题]")
    assert item["label"] == {"zh-hans": "您什么时候（时间）来的"}
    assert item["required"] is True


def test_a_scale_of_words_counts_up_to_the_better():
    _item, pasted = only("1. 满意吗 [量表题]\n很满意\n一般\n很不满意")
    assert codes(pasted) == [(3, "很满意"), (2, "一般"), (1, "很不满意")]
    _item, pasted = only("1. 满意吗 [量表题]\n很不满意\n一般\n很满意")
    assert codes(pasted) == [(1, "很不满意"), (2, "一般"), (3, "很满意")]


def test_a_matrix_of_scores_becomes_rows_of_a_scale():
    made = items("1. 打分 [矩阵量表题]\n1 2 3 4 5\n卫生\n治安", title="问卷")
    assert [(item["type"], item["from"], item["to"], item["matrix"]) for item in made.values()] == [
        ("scale", 1, 5, "Q1_matrix")
    ] * 2


def test_two_texts_of_two_other_options_have_names_of_their_own():
    made = items("1. 选 [多选题]\nA. 甲___\nB. 乙（请注明）\nC. 丙", title="问卷")
    assert list(made) == ["Q1", "Q1_other_1", "Q1_other_2"]


def test_the_same_options_are_one_list():
    pasted = read_pasted("1. 甲 [单选题]\n是\n否\n2. 乙 [单选题]\n是\n否", title="问卷")
    assert list(pasted.document["choice_lists"]) == ["Q1_list"]


def test_a_text_in_another_language_of_ours_is_stored_in_it():
    pasted = read_pasted("My form\n1. How do you do? [单选题]\nA. Well\nB. Badly")
    assert pasted.document["languages"] == ["en"]
    assert pasted.document["title"] == {"en": "My form"}


def test_a_jump_to_the_end_leaves_all_that_follows():
    made = items(
        "1. 住这里吗 [单选题]\nA. 是\nB. 否（跳至末尾）\n2. 几年 [数字题]\n3. 几人 [数字题]", title="问卷"
    )
    for name in ("Q2", "Q3"):
        assert made[name]["relevant"]["text"] == "not(selected(${Q1}, '2'))"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("没有编号的一段话", 1, "没有找到题目"),
        ("1. 甲 [单选题]\nA. 只有一个", 2, "至少要有两个选项"),
        ("1. 甲 [单选题]\n2. 乙 [填空题]", 1, "至少要有两个选项"),
        ("1. 甲 [填空题]\n1. 乙 [填空题]", 2, "题号 1 用了两次（第 1 行"),
        ("1. [单选题]\n是\n否", 1, "没有写题目"),
        ("1. 甲 [火箭题]\n是\n否", 1, "不认识题型“火箭题”"),
        ("1. 甲 [矩阵填空题]\na\nb", 1, "每行拆成一道填空题"),
        ("1. 甲 [矩阵题]\n只有一列\n行", 2, "各列"),
        ("1. 甲 [矩阵题]\n好 坏", 2, "第一行写各列"),
        ("1. 甲 [量表题]", 1, "写出各档"),
        ("1. 甲 [数字题]\nA. 一\nB. 二", 2, "没有选项"),
        ("1. 甲 [单选题]\nA. 是\nB. 否\n这是什么", 4, "前面的选项带字母"),
        ("1. 甲 [单选题]\n是（跳至第9题）\n否", 2, "跳不到第 9 题"),
        ("1. 甲 [填空题]\n2. 乙 [单选题]\n是（跳至第1题）\n否", 3, "跳不到第 1 题"),
        ("1. 甲 [填空题]\n依赖于第7题第1个选项", 2, "没有能作条件的第 7 题"),
        ("1. 甲 [单选题]\n是\n否\n2. 乙 [填空题]\n依赖于第1题第3个选项", 5, "没有第 3 个选项"),
        ("1. 甲 [单选题][最多选9项]\n是\n否\n2. 乙 [多选题][最多选9项]\n是\n否", 4, "只有 2 个选项"),
        ("1. 甲 [填空题]\n\n" + "长" * 2001, 3, "超过 2000 字"),
        ("1. 甲 [单选题]\n是\n否\n2. 乙 [填空题]\n依赖于第2题第1个选项", 5, "第 2 题没有第 1 个选项"),
    ],
)
def test_a_text_that_is_wrong_is_refused_at_its_line(text, line, words):
    pasted = read_pasted(text, title="问卷")
    assert pasted.document is None
    errors = [problem for problem in pasted.problems if problem.level == "error"]
    assert any(each.cell == f"第 {line} 行" and words in each.message for each in errors), errors


def test_problems_come_in_the_order_of_their_lines():
    pasted = read_pasted("1. 甲 [火箭题]\n2. 乙 [量表题]\n3. [填空题]", title="问卷")
    assert [problem.cell for problem in pasted.problems] == ["第 1 行", "第 2 行", "第 3 行"]


def test_a_text_without_a_type_says_what_it_was_taken_for():
    pasted = read_pasted("1. 甲\n是\n否\n2. 乙", title="问卷")
    assert [str(problem) for problem in pasted.problems] == [
        "第 1 行：第 1 题没有写题型，有选项，当作单选题",
        "第 4 行：第 2 题没有写题型，没有选项，当作填空题",
    ]


def test_a_text_that_is_too_long_is_refused_before_it_is_read():
    pasted = read_pasted("1. 甲\n" * MAX_TEXT)
    assert pasted.document is None
    assert "分成几份" in pasted.problems[0].message


PIECES = [
    *("1.", "2、", "3．", "第4题", "Q5.", "*6.", "一、", "第二部分", "=== 分页 ==="),
    *("A. ", "B、", "（1）", "①", "○", "□", "1)", "-", "|", "。", "x" * 50, "${Q1}"),
    *("是", "否", "您满意吗？", "很满意 满意 不满意", "1 2 3 4 5", "其他____", "____", "说不清", "（互斥）"),
    *("（跳至第2题）", "跳至末尾", "依赖于第1题第1个选项", "依赖于第3题第9个选项"),
    *(" * ", "\n", "\n\n", "\t", "\x00", "\ud800"),
    *("[单选题]", "[多选题]", "[填空题]", "[量表题]", "[矩阵题]", "[排序题]", "[评分题]", "[段落说明]"),
    *("[火箭题]", "[最多选1项]", "[0-10]", "[选2-3项]", "[必答]"),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=60).map("".join))
def test_any_text_is_read_or_refused_by_line(text):
    pasted = read_pasted(text, title="问卷")
    errors = [problem for problem in pasted.problems if problem.level == "error"]
    assert (pasted.document is None) == bool(errors)
    assert all(problem.cell.startswith("第 ") for problem in pasted.problems if problem.code != "time")
    if pasted.document is not None:
        document_hash(pasted.document)
