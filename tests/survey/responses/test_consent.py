"""The welcome: who asks, why, what is kept; agreeing and refusing are equally easy."""

import datetime

import pytest
from django.urls import reverse

from survey.contacts.models import Contact
from survey.responses.models import Consent, Respondent
from tests.residents import Phone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def newcomer(letter):
    """A phone on the welcome page."""
    newcomer = Phone()
    newcomer.page = newcomer.scan(letter[0]).content.decode()
    return newcomer


def test_the_welcome_says_who_why_what_is_kept_how_long_and_whom_to_call(newcomer, open_round):
    study = open_round.study
    for words in (study.sponsor, study.purpose, study.contact_phone, "保密", "自愿", "要多久", "留多久"):
        assert words in newcomer.page
    assert "年满 18 岁" in newcomer.page
    assert "匿名" not in newcomer.page


def test_the_form_and_approval_numbers_stand_there_where_the_study_has_them(newcomer, open_round):
    assert "表号" not in newcomer.page
    study = open_round.study
    study.form_number, study.approval_number = "济统 12 表", "济统制〔2026〕8 号"
    study.approving_body, study.approval_valid_until = "济南市统计局", datetime.date(2027, 6, 30)
    study.save()
    page = newcomer.http.get(newcomer.home).content.decode()
    for words in ("济统 12 表", "济统制〔2026〕8 号", "济南市统计局", "2027-06-30"):
        assert words in page


def test_nothing_is_ticked_beforehand_and_both_answers_are_buttons(newcomer):
    assert "checked" not in newcomer.page and 'type="checkbox"' not in newcomer.page
    assert "我愿意，开始答题" in newcomer.page and "不想参加，以后别再寄信" in newcomer.page
    assert newcomer.page.count("<form") == newcomer.page.count('type="submit"') == 2


def test_agreeing_keeps_the_version_the_language_and_the_time(newcomer, open_round):
    newcomer.consent()
    consent = Consent.objects.get()
    assert consent.text == open_round.consent_text
    assert (consent.language, consent.mode) == ("zh-hans", "web") and consent.given_at
    newcomer.consent()
    assert Consent.objects.count() == 1


def test_refusing_is_recorded_as_a_refusal_and_closes_the_case(newcomer, case):
    page = newcomer.land(newcomer.tap("refuse"))
    assert "以后不再寄信" in page.content.decode()
    case.refresh_from_db()
    assert case.status == "refused"
    contact = Contact.objects.get()
    assert (contact.mode, contact.disposition) == ("web", "2.11")


def test_somebody_who_refused_may_change_her_mind(newcomer, case):
    newcomer.tap("refuse")
    newcomer.consent()
    case.refresh_from_db()
    assert case.status == "opened"


def test_a_new_consent_text_is_asked_for_again(newcomer, open_round):
    newcomer.consent()
    old = open_round.consent_text
    old.pk, old.number = None, 2
    old.save()
    open_round.consent_text = old
    open_round.save()
    assert "我愿意，开始答题" in newcomer.http.get(newcomer.home).content.decode()


def test_the_studys_own_words_come_in_the_readers_language_or_in_chinese(newcomer, open_round):
    text = open_round.consent_text
    text.texts = {"zh-hans": {"lead": "想听听您的看法"}, "en": {"lead": "We would like your view"}}
    text.save()
    assert "We would like your view" in newcomer.http.get(f"{newcomer.home}?lang=en").content.decode()
    assert "想听听您的看法" in newcomer.http.get(f"{newcomer.home}?lang=zh-hant").content.decode()


def test_the_full_privacy_text_is_one_tap_away(newcomer, open_round):
    assert f"{newcomer.home}privacy" in newcomer.page
    page = newcomer.http.get(f"{newcomer.home}privacy").content.decode()
    for words in ("15 个工作日", "境内", "不收姓名", open_round.study.contact_phone):
        assert words in page


def test_a_form_without_the_phones_token_is_refused(newcomer):
    response = newcomer.post(newcomer.home + "consent", {})
    assert response.status_code == 403 and not Consent.objects.exists()
    response = newcomer.post(newcomer.home + "consent", {"form_token": "0" * 64})
    assert response.status_code == 403 and not Consent.objects.exists()


def test_the_address_alone_opens_nothing_on_another_phone(newcomer):
    other = Phone()
    for page in ("", "privacy", "who", "form", "thanks", "mine", "answered", "refuse"):
        assert other.http.get(newcomer.home + page).status_code == 403


def test_before_agreeing_nobody_reaches_the_questions(newcomer):
    for page in ("who", "form", "thanks"):
        response = newcomer.http.get(newcomer.home + page)
        assert response.status_code == 302 and response["Location"] == newcomer.home
    respondent = Respondent.objects.get()
    assert reverse("responses:home", args=[respondent.public_id]) == newcomer.home
