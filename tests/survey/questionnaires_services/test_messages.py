"""What an import, a pasted text or an expression is refused for is said in the reader's language."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from survey.common.errors import Problem
from survey.console.editor.condition_form import parsed
from survey.questionnaires.expressions import ExpressionError, parse
from survey.questionnaires.pasted import read_pasted
from survey.questionnaires.said import Said, in_words
from survey.questionnaires.services import as_errors
from survey.questionnaires.xlsform import read_xlsform

HAN = re.compile(r"[\u4e00-\u9fff]")
HEAD = "survey,,,,\n,type,name,label,relevant\n"
FORMS = {
    "expression": (HEAD + ",integer,Q1,Age?,${Q1} +\n", "表达式看不懂：写到末尾还不完整", "end"),
    "type": (HEAD + ",barcode,Q1,Code?,\n", "还不支持题型“barcode”", "barcode"),
    "pyxform": (
        HEAD + ",select_one nowhere,Q1,Which?,\nchoices,,,,\n,list_name,name,label,\n,other,1,One,\n",
        "没有“nowhere”这张选项表",
        "no list “nowhere”",
    ),
    "sheet": ("other,,,\n,a,b,c\nmore,,,\n,a,b,c\n", "没有名为 survey 的工作表", "other, more"),
    "file": ("hello", "这不是能打开的问卷文件", "Markdown"),
}
PASTED = {
    "kind": ("1. 甲 [火箭题]", "不认识题型“火箭题”", "火箭题"),
    "refused": ("1. 甲 [表格题]", "带不过来：拆成几道题", "表格题"),
    "twice": ("1. 甲 [填空题]\n1. 乙 [填空题]", "题号 1 用了两次（第 1 行已经有了）", "1"),
    "jump": ("1. 甲 [单选题]\nA. 子 （跳至第 9 题）\nB. 丑", "跳不到第 9 题", "9"),
    "matrix": ("1. 甲 [矩阵题]\n一", "矩阵题下面第一行写各列", "column"),
}
EXPRESSIONS = {
    "rocket(1)": ("没有 rocket() 这个函数", "rocket()"),
    "uuid()": ("不支持函数 uuid()：每次结果不同", "uuid()"),
    "round()": ("函数 round() 要 1 到 2 个参数，这里写了 0 个", "1 to 2"),
    "1 +": ("写到末尾还不完整", "end"),
    "": ("表达式是空的", "empty"),
}


def refused_for(problems, chinese, english):
    """The first error in Chinese holds `chinese`, in English `english` and no Chinese of ours."""
    first = next(problem for problem in problems if problem.level == "error")
    assert isinstance(first.message, Said)
    with translation.override("zh-hans"):
        told = as_errors([first])[0]
        assert chinese in told["reason"]
    with translation.override("en"):
        told = as_errors([first])[0]
        assert english in told["reason"]
        assert not HAN.search(re.sub("“[^”]*”", "", told["reason"] + told["where"])), told


@pytest.mark.parametrize("name", FORMS)
def test_an_import_says_what_is_wrong_in_the_language_of_the_reader(name):
    text, chinese, english = FORMS[name]
    refused_for(read_xlsform(text.encode())[1], chinese, english)


@pytest.mark.parametrize("name", PASTED)
def test_a_pasted_text_says_what_is_wrong_in_the_language_of_the_reader(name):
    text, chinese, english = PASTED[name]
    refused_for(read_pasted(text).problems, chinese, english)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_says_what_is_wrong_in_the_language_of_the_reader(text):
    chinese, english = EXPRESSIONS[text]
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert chinese in caught.value.reason
    with translation.override("en"):
        told = in_words(caught.value.reason, translation.gettext)
    assert english in told and not HAN.search(told)


def test_a_condition_typed_by_hand_is_refused_in_the_language_of_the_author():
    with translation.override("en"), pytest.raises(Problem) as caught:
        parsed("${Q1} +")
    assert not HAN.search(caught.value.message)


def test_the_command_speaks_chinese(tmp_path, capsys):
    path = tmp_path / "form.csv"
    path.write_text(FORMS["expression"][0], encoding="utf-8")
    with pytest.raises(CommandError):
        call_command("import_xlsform", path, check=True)
    assert "表达式看不懂：写到末尾还不完整" in capsys.readouterr().err
