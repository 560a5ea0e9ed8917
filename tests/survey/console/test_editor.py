"""The editor: what its forms show is what they store, and every button works without scripts."""

import copy
import json
from html.parser import HTMLParser

import pytest
from django.utils import translation

from survey.console.editor.words import condition_words
from survey.questionnaires import bank, conditions
from survey.questionnaires.document import ITEM_TYPES, expression, item_index, items_of
from survey.questionnaires.drafting import check_draft
from survey.questionnaires.models import BankItem, QuestionnaireVersion
from survey.questionnaires.parts import retyped
from survey.questionnaires.services import (
    copy_version,
    publish_version,
    read_form,
    start_questionnaire,
    store_draft,
)
from tests import factories
from tests.survey.console.world import CORE
from tests.survey.questionnaires.forms import document, item

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class Forms(HTMLParser):
    """The forms of a page as a browser would send them: for each, (name, value) pairs without buttons."""

    def __init__(self, html):
        super().__init__()
        self.forms, self.inside, self.select, self.area, self.template = [], None, None, None, 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "template":
            self.template += 1
        if tag == "form":
            self.inside = []
            self.forms.append(self.inside)
        if self.inside is None or self.template:
            return
        if tag == "input" and a.get("name") and "disabled" not in a:
            if a.get("type") not in ("checkbox", "radio") or "checked" in a:
                self.inside.append((a["name"], a.get("value", "on")))
        elif tag == "select":
            self.select = [a.get("name"), None, None]
        elif tag == "option" and self.select:
            if self.select[1] is None:
                self.select[1] = a.get("value", "")
            if "selected" in a:
                self.select[2] = a.get("value", "")
        elif tag == "textarea":
            self.area = [a.get("name"), ""]

    def handle_data(self, data):
        if self.area:
            self.area[1] += data

    def handle_endtag(self, tag):
        if tag == "template":
            self.template -= 1
        if tag == "form":
            self.inside = None
        if tag == "select" and self.select and self.inside is not None and not self.template:
            name, first, chosen = self.select
            self.inside.append((name, chosen if chosen is not None else first))
        if tag == "select":
            self.select = None
        if tag == "textarea" and self.area and self.inside is not None:
            self.inside.append((self.area[0], self.area[1].removeprefix("\n")))
            self.area = None


def fields(html, marker):
    """The form that has a field of this name, as a dictionary of lists."""
    found = next(form for form in Forms(html).forms if any(name == marker for name, _value in form))
    data = {}
    for name, value in found:
        data.setdefault(name, []).append(value)
    return data


@pytest.fixture
def round_(regions, lead):
    return factories.make_round(factories.make_study(regions["370105000000"]))


@pytest.fixture
def place(round_, lead):
    """Stores a document as a draft and gives its address."""

    def put(made):
        version = store_draft(document=made, acting_user=lead)
        return version, f"/console/rounds/{round_.pk}/questionnaire/{version.pk}/edit/"

    return put


def small():
    made = document(
        item("Q01", "select_one", missing="dk", required=True, label={"zh-hans": "您对治安满意吗？"}),
        item("Q02", "select_multiple"),
        item("Q03", "integer", relevant="${Q01} = 5", constraint=". >= 0 and . <= 120"),
    )
    made["blocks"].append({"name": "b2", "title": {"zh-hans": "第二块"}, "items": [item("Q04", "text")]})
    return made


def full():
    """One item of every type, with parts that only some have."""
    made = document(
        *[
            retyped({"name": f"i_{kind}", "type": "note", "label": {"zh-hans": kind}}, kind)
            for kind in ITEM_TYPES
        ]
    )
    for each in items_of(made):
        if each["type"] in ("select_one", "select_multiple", "ranking"):
            each["list"] = "satisfied"
        if each["type"] == "calculate":
            each["calculation"] = expression("1 + 1")
            each.pop("label")
    index = {each["name"]: each for each in items_of(made)}
    index["i_select_one"] |= {
        "scoring": {"rule": "own", "points": {"5": 100, "1": 0}},
        "order": {"random": True, "first": 1, "last": 2},
        "default": 5,
        "modes": ["door"],
        "topic": "治安",
        "index": "安全感",
        "seconds": 9,
    }
    index["i_select_multiple"] |= {
        "min_choices": 1,
        "max_choices": 2,
        "filter": expression("name != '3'"),
        "default": [5, 4],
    }
    index["i_integer"] |= {
        "constraint": expression(". > 3 and . != 7"),
        "constraint_message": {"zh-hans": "不行"},
    }
    index["i_scale"] |= {"ends": {"low": {"zh-hans": "差"}, "high": {"zh-hans": "好"}}, "required": True}
    index["i_text"] |= {
        "relevant": expression("${i_integer} + 1 > 4"),
        "with": "i_integer",
        "multiline": True,
        "max_length": 9,
    }
    index["i_date"] |= {"relevant": expression("${i_select_one} = 5 or selected(${i_select_multiple}, '4')")}
    index["i_time"] |= {"required": expression("${i_integer} > 4"), "required_message": {"zh-hans": "请填"}}
    index["i_signature"] |= {"consent": True}
    index["i_decimal"] |= {"constraint": expression(". >= 0.5"), "readonly": True, "default": 1.5}
    index["i_region"] |= {"root": "370105000000"}
    index["i_ranking"]["order"] = {"random": True, "all": True}
    for code in ("a", "b"):
        made["blocks"][0]["items"].append(item(f"row_{code}", "scale", matrix="m"))
    stem = {"label": {"zh-hans": "总题"}, "hint": {"zh-hans": "看清"}, "order": {"random": True, "first": 1}}
    made["matrices"] = {"m": stem}
    made["choice_lists"]["satisfied"] = copy.deepcopy(made["choice_lists"]["satisfied"])
    made["choice_lists"]["satisfied"][0]["columns"] = {"area": "east", "kind": ""}
    made["format"] = "minyi-questionnaire/2"
    for each in items_of(made):
        if each["type"] != "calculate":
            each.setdefault("seconds", 7)
    return made


def core():
    return read_form(CORE)[0]


@pytest.mark.parametrize("make", [small, full, core])
def test_saving_an_item_as_it_is_shown_changes_nothing(team, place, make):
    made = make()
    version, address = place(made)
    assert [p for p in check_draft(made) if p.code == "shape"] == []
    names = [each["name"] for each in items_of(made)]
    for name in names:
        page = team.get(address, {"item": name})
        assert page.status_code == 200
        answer = team.post(
            address,
            {
                **fields(page.content.decode(), "seconds" if name != "i_calculate" else "name"),
                "do": "save_item",
            },
        )
        assert answer.status_code == 302, (name, answer.content.decode()[:3000])
        stored = QuestionnaireVersion.objects.get(pk=version.pk).document
        if make is not small:
            assert item_index(stored)[name][1] == item_index(made)[name][1]
        assert stored["choice_lists"] == made["choice_lists"]
    if make is not small:
        stored = QuestionnaireVersion.objects.get(pk=version.pk)
        assert stored.document == made
        assert stored.step is None


@pytest.mark.parametrize("name", ["block", "b2"])
def test_saving_a_block_as_it_is_shown_changes_nothing(team, place, name):
    made = small()
    made["blocks"][1] |= {
        "relevant": expression("${Q01} = 5 and ${Q03} > 18"),
        "appearance": "page",
        "order": {"random": True, "first": 1},
        "repeat": {"label": {"zh-hans": "第 {0} 位"}, "count": expression("${Q03}"), "max": 9},
    }
    made["format"] = "minyi-questionnaire/2"
    version, address = place(made)
    page = team.get(address, {"block": name}).content.decode()
    answer = team.post(
        address, {**fields(page, "title" if name == "b2" else "appearance"), "do": "save_block"}
    )
    assert answer.status_code == 302, answer.content.decode().split("note-error")[1][:300]
    assert QuestionnaireVersion.objects.get(pk=version.pk).document == made


def send(team, address, version, **data):
    version.refresh_from_db()
    return team.post(address, {"seen": version.document_hash, **data})


def test_items_are_added_written_moved_copied_and_deleted_without_scripts(team, place):
    version, address = place(small())
    answer = send(team, address, version, do="add_item", block="block", type="preset:satisfied", after="Q01")
    assert answer.url.endswith("?item=Q05")
    page = team.get(answer.url).content.decode()
    assert "缺少简体中文文字" in page
    data = fields(page, "hint") | {"label": "您对公交满意吗？", "do": "save_item"}
    assert team.post(address, data).status_code == 302
    version.refresh_from_db()
    made = item_index(version.document)["Q05"][1]
    assert made["label"] == {"zh-hans": "您对公交满意吗？"}
    assert made["scoring"]["points"] == {"5": 100, "4": 75, "3": 50, "2": 25, "1": 0}
    send(team, address, version, do="shift", item="Q05", by="-1")
    send(team, address, version, do="move", item="Q03", block="b2", before="Q04")
    send(team, address, version, do="duplicate", item="Q04")
    send(team, address, version, do="delete", item="Q02")
    version.refresh_from_db()
    assert [[i["name"] for i in b["items"]] for b in version.document["blocks"]] == [
        ["Q05", "Q01"],
        ["Q03", "Q04", "Q04_2"],
    ]
    send(team, address, version, do="undo", item="Q05")
    version.refresh_from_db()
    assert "Q02" in item_index(version.document)


def test_a_condition_is_picked_in_two_steps_without_scripts(team, place):
    version, address = place(small())
    data = fields(team.get(address, {"item": "Q02"}).content.decode(), "hint")
    data |= {"cond_new_item": "Q01", "do": "save_item"}
    answer = team.post(address, data)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "还没选好答案" in page
    again = fields(page, "hint")
    key = next(name for name in again if name.endswith("_op"))[5:-3]
    again |= {f"cond_{key}_value": "5", "do": "save_item"}
    assert team.post(address, again).status_code == 302
    version.refresh_from_db()
    assert item_index(version.document)["Q02"][1]["relevant"]["text"] == "${Q01} = 5"
    page = team.get(address, {"item": "Q02"}).content.decode()
    assert "“Q01 您对治安满意吗？”选了“选项5”时才问。" in page


def test_options_are_rearranged_without_scripts_and_stored_together(team, place):
    version, address = place(small())
    data = fields(team.get(address, {"item": "Q02"}).content.decode(), "hint")
    page = team.post(address, data | {"do": "row_down:0"}).content.decode()
    assert "还没保存" in page
    moved = fields(page, "hint")
    assert [moved[f"row_{key}_code"][0] for key in moved["row"][:2]] == ["b", "1"]
    moved |= {"row_new1_label": "丙", "do": "save_item", "only_here": "1"}
    assert team.post(address, moved).status_code == 302
    version.refresh_from_db()
    choices = version.document["choice_lists"][item_index(version.document)["Q02"][1]["list"]]
    assert [(c["code"], c["label"]["zh-hans"]) for c in choices][:2] == [("b", "乙"), (1, "甲")]
    assert choices[-1] == {"code": 97, "label": {"zh-hans": "丙"}}


def test_a_long_list_is_written_as_lines_and_keeps_what_else_its_options_have(team, place):
    made = small()
    made["choice_lists"]["satisfied"] = [
        {"code": n, "label": {"zh-hans": f"第 {n} 街道"}, "columns": {"area": str(n % 7)}}
        for n in range(1, 501)
    ]
    made["format"] = "minyi-questionnaire/2"
    version, address = place(made)
    data = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    assert team.post(address, data | {"do": "save_item"}).status_code == 302
    version.refresh_from_db()
    assert version.document["choice_lists"]["satisfied"] == made["choice_lists"]["satisfied"]
    lines = data["rows_text"][0].splitlines()
    lines[0] = "1 换了名字"
    data = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    text = "\n".join([*lines, "501 新的街道", ""])
    assert team.post(address, data | {"rows_text": text, "do": "save_item"}).status_code == 302
    version.refresh_from_db()
    choices = version.document["choice_lists"]["satisfied"]
    assert choices[0] == {"code": 1, "label": {"zh-hans": "换了名字"}, "columns": {"area": "1"}}
    assert choices[-1] == {"code": 501, "label": {"zh-hans": "新的街道"}}


def test_the_missing_answers_get_their_codes_and_usual_translations(team, place):
    made = small() | {"languages": ["zh-hans", "en"]}
    version, address = place(made)
    data = fields(team.get(address, {"item": "Q04"}).content.decode(), "hint")
    assert (
        team.post(address, data | {"dont_know": "不了解", "refused": "", "do": "save_item"}).status_code
        == 302
    )
    version.refresh_from_db()
    name = item_index(version.document)["Q04"][1]["missing"]
    assert version.document["choice_lists"][name] == [
        {"code": -1, "label": {"zh-hans": "不了解", "en": "Don't know"}, "missing": "dont_know"}
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Q01"}, "已经有了"), ({"name": "1 x"}, "不能用"), ({"seconds": "很久"}, "要填整数"),
        ({"constraint": ". >"}, "式子看不懂"), ({"row_1_code": "1"}, "用了两次"),
        ({"row_0_code": "a b"}, "不能有空格"),
        ({"min_choices": "0"}, "要在 1 到 500 之间"), ({"filter": "((("}, "式子看不懂"),
        ({"cond": "x", "cond_x_item": "Q01", "cond_x_op": "eq"}, "还没选好"),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_told_and_nothing_typed_is_lost(team, place, changes, words):
    version, address = place(small())
    data = fields(team.get(address, {"item": "Q02"}).content.decode(), "hint")
    answer = team.post(address, data | {"label": "我写了很久的题目"} | changes | {"do": "save_item"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert "我写了很久的题目" in page
    version.refresh_from_db()
    assert version.step is None


def test_points_are_numbers_from_0_to_100(team, place):
    version, address = place(small())
    data = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    data |= {"scoring": "own", "row_0_points": "200", "do": "save_item"}
    assert "0 到 100" in team.post(address, data).content.decode()
    assert team.post(address, data | {"row_0_points": "80"}).status_code == 302
    version.refresh_from_db()
    scoring = item_index(version.document)["Q01"][1]["scoring"]
    assert scoring == {"rule": "own", "points": {"5": 80}}


def test_two_people_on_one_draft_are_told_and_nothing_is_lost(team, place, regions, client):
    version, address = place(small())
    mine = fields(team.get(address, {"item": "Q04"}).content.decode(), "hint")
    send(team, address, version, do="shift", item="Q01", by="1")
    answer = team.post(address, mine | {"label": "我写了很久的题目", "do": "save_item"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "也改了这份草稿" in page
    assert "我写了很久的题目" in page
    again = fields(page, "hint") | {"do": "save_item"}
    assert team.post(address, again).status_code == 302
    version.refresh_from_db()
    assert item_index(version.document)["Q04"][1]["label"]["zh-hans"] == "我写了很久的题目"
    assert [i["name"] for i in version.document["blocks"][0]["items"]] == ["Q02", "Q01", "Q03"]


def test_a_save_by_script_answers_with_what_the_page_renews(team, place):
    version, address = place(small())
    data = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    data |= {"label": "您对治安和停车满意吗？", "do": "save_item"}
    answer = team.post(address, data, headers={"Accept": "application/json"})
    version.refresh_from_db()
    told = answer.json()
    assert told["seen"] == version.document_hash
    assert "两件事" in told["advice"]
    assert "您对治安和停车" in told["outline"]
    later = data | {"label": "您对治安和卫生满意吗？"}
    refused = team.post(address, later, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (409, "questionnaire.edited_elsewhere")
    split = send(team, address, version, do="split", item="Q01")
    assert split.status_code == 302
    version.refresh_from_db()
    assert [i["label"]["zh-hans"] for i in version.document["blocks"][0]["items"]][:2] == [
        "您对治安满意吗？", "您对停车满意吗？",
    ]  # fmt: skip


def test_blocks_settings_and_quotas_are_stored(team, place):
    version, address = place(small())
    assert send(team, address, version, do="add_block", title="家人", kind="repeat").url.endswith("?block=b3")
    send(team, address, version, do="add_block", title="", kind="household")
    send(team, address, version, do="shift_block", block="b3", by="-1")
    send(team, address, version, do="save_settings", title="新名字", languages=["zh-hans", "en"])
    send(
        team, address, version, do="save_quotas", quota_new_label="老人", quota_new_where="${Q03} >= 60",
        quota_new_limit="100",
    )  # fmt: skip
    version.refresh_from_db()
    made = version.document
    assert [b["name"] for b in made["blocks"]] == ["household", "block", "b3", "b2"]
    assert made["title"]["zh-hans"] == "新名字"
    assert made["languages"] == ["zh-hans", "en"]
    assert made["quotas"][0]["limit"] == 100
    assert "一起删掉" in send(team, address, version, do="delete_block", block="b2").content.decode()
    assert send(team, address, version, do="delete_block", block="b2", sure="1").status_code == 302
    send(team, address, version, do="add_matrix", block="b3", stem="满意吗", rows="甲\n乙", scale="score")
    version.refresh_from_db()
    rows = [i for i in items_of(version.document) if "matrix" in i]
    assert [i["type"] for i in rows] == ["scale", "scale"]
    assert [p for p in check_draft(version.document) if p.code == "shape"] == []


@pytest.mark.parametrize(
    "data",
    [
        {"do": "no such"}, {"do": "delete", "item": "Q99"}, {"do": "save_block", "block": "x"},
        {"do": "add_matrix", "block": "b2", "rows": "一行"}, {"do": "undo"}, {"do": ""},
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_words(team, place, data):
    version, address = place(small())
    answer = send(team, address, version, **data)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_a_published_version_is_looked_at_not_edited(team, place, lead):
    version, address = place(small())
    publish_version(version=version, acting_user=lead)
    assert team.get(address).url == address.removesuffix("edit/")
    assert send(team, address, version, do="delete", item="Q04").status_code == 302
    assert team.post(address.replace("edit/", "copy/")).status_code == 302
    assert QuestionnaireVersion.objects.filter(state="draft", based_on=version).count() == 1


def test_the_ways_to_begin(team, round_, lead):
    address = f"/console/rounds/{round_.pk}/questionnaire/new/"
    assert "从题库拿题" in team.get(address).content.decode()
    assert team.post(address, {"do": "blank", "title": ""}).status_code == 400
    made = team.post(address, {"do": "blank", "title": "小区问卷", "languages": ["zh-hans", "en"]})
    version = QuestionnaireVersion.objects.get()
    assert made.url.endswith(f"/{version.pk}/edit/")
    page = team.get(made.url).content.decode()
    assert "还没有题目" in page
    bank_page = team.post(address, {"do": "bank", "title": "另一份", "languages": ["zh-hans"]}).url
    html = team.get(bank_page).content.decode()
    assert html.count('name="keys"') == len(bank.entries())
    data = fields(html, "seen") | {"keys": ["Q01", "H02"]}
    assert team.post(bank_page, data).status_code == 302
    draft = QuestionnaireVersion.objects.get(questionnaire__title="另一份")
    assert [i["name"] for i in items_of(draft.document)] == ["Q01", "H02"]
    publish_version(version=draft, acting_user=lead)
    copied = team.post(address, {"do": "copy", "version": draft.pk, "title": ""})
    assert copied.status_code == 302
    assert draft.questionnaire.versions.count() == 2


def test_the_bank_is_searched_and_kept(team, place, round_):
    version, address = place(small())
    assert send(team, address, version, do="save_to_bank", item="Q01", source="试调查").status_code == 302
    page = f"/console/rounds/{round_.pk}/questionnaire/bank/"
    found = team.get(page, {"q": "治安 满意"}).content.decode()
    assert "试调查" in found
    assert "您对本地社会治安满意吗" in found
    assert "停车秩序" not in found
    assert "没有找到" in team.get(page, {"q": "没有这样的题"}).content.decode()
    assert team.post(page, {"remove": BankItem.objects.get().pk}).status_code == 302
    assert not BankItem.objects.exists()
    assert "先打开一份草稿" in team.post(page, {"keys": ["Q01"]}).content.decode()


def test_texts_are_translated_side_by_side_with_proposals(team, place):
    made = small() | {"languages": ["zh-hans", "zh-hant"]}
    version, address = place(made)
    page = address.replace("edit/", "translate/")
    html = team.get(page).content.decode()
    assert "您對治安滿意嗎？" in html
    data = fields(html, "language") | {"text-item:Q01:label": "您對治安滿意嗎？"}
    assert team.post(page, data).status_code == 302
    version.refresh_from_db()
    assert item_index(version.document)["Q01"][1]["label"]["zh-hant"] == "您對治安滿意嗎？"
    assert "text-item:Q01:label" not in team.get(page, {"show": "missing"}).content.decode()
    assert team.post(page, data | {"text-item:Q01:label": "您對治安還滿意嗎？"}).status_code == 409
    _alone, address = place(small() | {"name": "alone"})
    assert "只有一种语言" in team.get(address.replace("edit/", "translate/")).content.decode()


def test_a_changed_wording_asks_to_look_at_its_translations(team, place):
    made = small() | {"languages": ["zh-hans", "en"]}
    made["blocks"][0]["items"][0]["label"]["en"] = "Are you satisfied?"
    _version, address = place(made)
    data = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    team.post(address, data | {"label": "您对停车满意吗？", "do": "save_item"})
    assert "English 还是原来的译文" in team.get(address, {"item": "Q01"}).content.decode()


def test_versions_are_compared_and_paths_walked(team, place, lead, round_):
    version, address = place(small())
    compare = address.replace("edit/", "compare/")
    assert "只有这一版" in team.get(compare).content.decode()
    publish_version(version=version, acting_user=lead)
    draft = copy_version(version=version, acting_user=lead)
    there = f"/console/rounds/{round_.pk}/questionnaire/{draft.pk}/"
    assert "两版一样" in team.get(f"{there}compare/").content.decode()
    data = fields(team.get(f"{there}edit/", {"item": "Q01"}).content.decode(), "hint")
    team.post(f"{there}edit/", data | {"label": "您对停车满意吗？", "do": "save_item"})
    html = team.get(f"{there}compare/", {"with": version.pk}).content.decode()
    assert "<del>治安</del>" in html
    assert "<ins>停车</ins>" in html
    assert "趋势图在这里断开" in html
    walked = team.get(f"{there}paths/").content.decode()
    assert "每一题都走得到" in walked


@pytest.mark.parametrize(
    ("kind", "filled", "text"),
    [
        (
            "date",
            {"least": "2020-01-01", "today": "past", "most_item": "born"},
            ". >= date('2020-01-01') and . <= ${born} and . <= today()",
        ),
        ("integer", {"least": "1", "most": "9"}, ". >= 1 and . <= 9"),
        (
            "text",
            {"pattern": "postcode", "shortest": "6"},
            "regex(., '^[0-9]{6}$') and string-length(.) >= 6",
        ),
    ],
)
def test_what_an_answer_must_be_is_filled_in_not_typed(team, place, kind, filled, text):
    made = document(item("Q01", kind), item("born", "date"))
    version, address = place(made)
    data = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    assert team.post(address, data | filled | {"do": "save_item"}).status_code == 302
    version.refresh_from_db()
    assert item_index(version.document)["Q01"][1]["constraint"]["text"] == text
    again = fields(team.get(address, {"item": "Q01"}).content.decode(), "hint")
    assert {name: again[name][0] for name in filled} == filled and again["constraint"] == [""]


def test_a_condition_reads_as_a_sentence_in_english(place):
    version, _address = place(small())
    tree = expression("${Q01} = 5 or ${Q01} = 4")["tree"]
    with translation.override("en"):
        words = condition_words(conditions.read(tree), version.document, "zh-hans")
    assert words == "“Q01 您对治安满意吗？” chose one of “选项5”, “选项4”"


def test_a_save_says_the_condition_and_so_does_the_page_of_the_version(team, place):
    _version, address = place(small())
    data = fields(team.get(address, {"item": "Q02"}).content.decode(), "hint")
    data |= {"cond_new_item": "Q01", "cond_new_op": "eq", "cond_new_value": "5", "do": "save_item"}
    saved = team.post(address, data, headers={"Accept": "application/json"}).json()
    assert "“Q01 您对治安满意吗？”选了“选项5”时才问。" in saved["condition"]
    page = team.get(address.replace("edit/", "")).content.decode()
    assert "“Q01 您对治安满意吗？”选了“选项5”" in page and "${Q01} = 5" not in page


def test_a_save_whose_answer_was_lost_is_not_refused_when_it_is_sent_again(team, place):
    version, address = place(small())
    data = fields(team.get(address, {"item": "Q04"}).content.decode(), "hint")
    data |= {"label": "您想说什么？", "do": "save_item"}
    first, again = (team.post(address, data, headers={"Accept": "application/json"}) for _time in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["seen"] == again.json()["seen"]
    version.refresh_from_db()
    assert version.steps.count() == 2  # where it began, and one change
    other = data | {"label": "您还想说什么？"}
    assert team.post(address, other, headers={"Accept": "application/json"}).status_code == 409


def test_paths_say_what_nobody_reaches_and_what_stops_the_walk(team, place):
    made = small()
    made["blocks"][0]["items"][2]["relevant"] = expression("${Q01} = 5 and ${Q01} = 4")
    _version, address = place(made)
    html = team.get(address.replace("edit/", "paths/")).content.decode()
    assert "怎么也走不到的题" in html
    assert "选了“选项5”，并且" in html
    broken = copy.deepcopy(made) | {"name": "broken"}
    broken["blocks"][0]["items"][2]["relevant"] = expression("${Q99} = 5")
    _version, address = place(broken)
    assert "先把这几处改好" in team.get(address.replace("edit/", "paths/")).content.decode()


def test_the_phone_beside_the_form_shows_one_item_and_may_be_framed_by_us_only(team, place):
    _version, address = place(small())
    answer = team.get(f"{address}preview/", {"item": "Q03", "mode": "door", "language": "xx"})
    html = answer.content.decode()
    assert 'data-mode="door"' in html
    shown = json.loads(html.split('type="application/json">')[1].split("</script>")[0])
    assert [i["name"] for b in shown["blocks"] for i in b["items"]] == ["Q03"]
    assert "relevant" not in shown["blocks"][0]["items"][0]
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in team.get(address).headers["Content-Security-Policy"]
    assert team.get(f"{address}preview/", {"item": "Q99"}).status_code == 404


def test_a_long_questionnaire_opens_only_the_block_that_is_worked_on(team, lead, round_):
    version = start_questionnaire(title="长问卷", languages=["zh-hans"], acting_user=lead)
    made = version.document
    made["blocks"] = [
        {"name": f"b{b}", "items": [item(f"q{b}_{n}", "text") for n in range(25)]} for b in range(20)
    ]
    draft = store_draft(document=made, acting_user=lead)
    address = f"/console/rounds/{round_.pk}/questionnaire/{draft.pk}/edit/"
    html = team.get(address, {"item": "q7_3"}).content.decode()
    assert html.count('data-item="') == 25
    assert "25 题" in html
    assert len(html) < 200_000


def test_a_condition_row_comes_for_the_item_that_was_picked(team, place):
    _version, address = place(small())
    html = team.get(f"{address}condition/", {"item": "Q02", "key": "s1", "op": "has_any"}).content.decode()
    assert html.count('type="checkbox"') == 4
    assert 'name="cond_s1_value"' in html
    assert "selected" in html
    assert team.get(f"{address}condition/", {"item": "Q99", "key": "<x>"}).status_code == 200
