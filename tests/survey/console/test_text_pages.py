"""The page of open answers: who reads what, deciding by form and by script; nothing unread gets out."""

import uuid

import pytest
from django.db import connection
from django.urls import reverse

from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.responses.models import OpenText, OpenTextReview, Response, TextCoding, Theme
from survey.responses.open_texts import quotable
from survey.responses.queries import snapshot
from survey.responses.services import add_theme, review_text
from tests import factories
from tests.residents import make_open_round
from tests.survey.responses.test_open_texts import answer

pytestmark = [pytest.mark.django_db, pytest.mark.database]
SAID = ("路灯坏了，请打13800138000", "停车太难了", "希望楼下装一盏路灯")


@pytest.fixture
def said(regions):
    round_ = make_open_round(regions["370105000000"])
    for case, wording in zip(round_.cases.order_by("number"), SAID, strict=False):
        answer(case, wording)
    return round_


@pytest.fixture
def person(client, regions):
    def log_in(role):
        user = factories.make_user(f"p-{role}", role, regions["370100000000"])
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return user

    return log_in


def page(client, round_, **query):
    got = client.get(reverse("console:texts", args=[round_.pk]), query)
    assert got.status_code == 200
    return got.content.decode()


def first_text(round_):
    return OpenText.objects.filter(round=round_).order_by("shuffle").first()


def test_the_reviewer_reads_every_answer_with_what_may_identify_somebody_marked(client, said, person):
    person("text_reviewer")
    text = page(client, said)
    assert "停车太难了" in text and "<mark>13800138000</mark>" in text
    assert "路灯坏了，请打（电话）" in text  # the proposal in the form
    assert "审了 0 / 3 条" in text


def test_a_decision_by_form_comes_back_to_the_list_and_a_refusal_says_why(client, said, person):
    person("text_reviewer")
    page(client, said)
    text = first_text(said)
    address = reverse("console:review_text", args=[said.pk, text.pk])
    got = client.post(address, {"verdict": "cleared", "query": "list=unread"})
    assert got.status_code == 302 and "?list=unread#text-" in got.url
    assert OpenTextReview.objects.get().verdict == "cleared"
    got = client.post(address, {"verdict": "redacted", "wording": "", "query": ""}, follow=True)
    assert "请写下隐去以后的话" in got.content.decode()
    assert OpenTextReview.objects.get().verdict == "cleared"
    assert "审了 1 / 3 条" in page(client, said) and "还没审的" in page(client, said)


def test_a_decision_by_script_gives_the_card_anew_and_the_count(client, said, person):
    person("text_reviewer")
    page(client, said)
    address = reverse("console:review_text", args=[said.pk, first_text(said).pk])
    got = client.post(
        address, {"verdict": "withheld", "list": "unread"}, headers={"Accept": "application/json"}
    )
    assert "不引用" in got.json()["card"] and "审了 1 / 3 条" in got.json()["progress"]
    got = client.post(address, {"verdict": "nonsense"}, headers={"Accept": "application/json"})
    assert got.status_code == 400 and got.json()["detail"].endswith("。")


def test_themes_are_made_chosen_and_proposed(client, said, person):
    user = person("text_reviewer")
    client.post(
        reverse("console:themes", args=[said.pk]), {"item": "remark", "do": "add", "labels": "路灯\n停车\n\n"}
    )
    lamp, cars = Theme.objects.order_by("code")
    text = page(client, said, list="uncoded")
    assert "提到 路灯" in text and "提到 停车" in text
    target = first_text(said)
    address = reverse("console:code_text", args=[said.pk, target.pk])
    got = client.post(
        address, {"theme": [lamp.code, cars.code], "purpose": "main"}, headers={"Accept": "application/json"}
    )
    assert got.status_code == 200 and "改主题" in got.json()["card"]
    coding = TextCoding.objects.get()
    assert (coding.coder, coding.themes.count()) == (user, 2)
    assert f'id="text-{target.pk}"' not in page(client, said, list="uncoded")
    assert f'id="text-{target.pk}"' in page(client, said, list=f"theme-{lamp.code}")


def test_the_check_hides_what_the_first_coder_found(client, said, person):
    first = person("text_reviewer")
    theme = add_theme(round=said, item="remark", label="只有第一个人知道", acting_user=first)
    page(client, said)
    text = first_text(said)
    client.post(
        reverse("console:code_text", args=[said.pk, text.pk]), {"theme": [theme.code], "purpose": "main"}
    )
    assert f'id="text-{text.pk}"' not in page(client, said, list="check")
    person("study_lead")
    shown = page(client, said, list="check")
    card = shown.partition(f'id="text-{text.pk}"')[2].partition("</li>")[0]
    assert card and "checked" not in card


def test_the_analyst_codes_what_was_cleared_and_sees_no_other_word(client, said, person):
    reviewer = person("text_reviewer")
    page(client, said)
    add_theme(round=said, item="remark", label="停车", acting_user=reviewer)
    target = next(t for t in OpenText.objects.all() if "停车" in quotable_after(t, reviewer))
    person("analyst")
    text = page(client, said)
    assert "停车太难了" in text and "13800138000" not in text and "楼下" not in text
    themes = client.get(reverse("console:themes", args=[said.pk])).content.decode()
    assert "13800138000" not in themes and "楼下" not in themes
    denied = client.post(reverse("console:review_text", args=[said.pk, target.pk]), {"verdict": "cleared"})
    assert denied.status_code == 403


def quotable_after(text, reviewer):
    """The wording, cleared only where it is about parking."""
    review = review_text(text=text, verdict="cleared", acting_user=reviewer)
    wording = next(w for w in quotable(text.round)["wording"])
    if "停车" not in wording:
        review.delete()
    return wording


def test_words_find_answers_and_an_empty_find_says_so(client, said, person):
    person("text_reviewer")
    assert page(client, said, list="all", q="路灯").count("data-card") == 2
    assert "没有找到这样的话" in page(client, said, list="all", q="菜市场")


def test_a_round_without_open_items_or_answers_says_what_to_do(client, regions, person):
    person("study_lead")
    empty = factories.make_round(factories.make_study(regions["370105000000"]))
    assert "没有让居民自己写的题" in page(client, empty)
    assert "这道题还没有人写" in page(client, make_open_round(regions["370104000000"]))


def gather_statistics():
    """As autovacuum does within a minute, but not inside a test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def test_five_thousand_answers_are_paged_with_as_many_queries_as_ten(
    client, regions, person, django_assert_max_num_queries
):
    round_ = make_open_round(regions["370105000000"])
    sealed = encrypt('{"remark": "路灯坏了"}', "responses.open_text")
    Response.objects.bulk_create(
        Response(
            client_id=uuid.uuid4(),
            content_hash="0" * 64,
            round=round_,
            region=round_.study.region,
            sample_kind="volunteer",
            mode="web",
            questionnaire_version=round_.questionnaire_version,
            language="zh-hans",
            open_text_cipher=sealed,
            submitted_at=now(),
            received_at=now(),
        )
        for _ in range(5000)
    )
    gather_statistics()
    person("text_reviewer")
    page(client, round_)
    gather_statistics()
    with django_assert_max_num_queries(60):
        text = page(client, round_, list="all", page=125)
    assert text.count("data-card") == 40 and "第 125 / 125 页" in text
    seen, after = set(), ""
    for _ in range(3):
        texts = page(client, round_, list="unread", after=after)
        numbers = {part.partition('"')[0] for part in texts.split('id="text-')[1:]}
        assert len(numbers) == 40 and not numbers & seen
        seen |= numbers
        link = texts.partition("data-on href=")[2].partition(">")[0]
        after = link.partition("after=")[2].partition("&")[0].rstrip('"')


@pytest.mark.parametrize("role", ["supervisor", "interviewer", "official"])
def test_others_do_not_reach_the_page(client, said, person, role):
    person(role)
    assert client.get(reverse("console:texts", args=[said.pk])).status_code in (403, 404)


def test_what_reports_read_holds_no_open_answer(said):
    columns = snapshot(said)
    assert "remark" not in columns["answers"]
    assert not any(wording in str(columns) for wording in SAID)
