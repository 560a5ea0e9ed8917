"""One adult per household: the next birthday, with its probability."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.contacts.models import SelectedPerson
from survey.responses.birthdays import is_day, next_birthdays
from tests.residents import Phone

TODAY = datetime.date(2026, 11, 22)


@pytest.fixture
def agreed(letter):
    """A phone whose owner has agreed."""
    phone = Phone()
    phone.scan(letter[0])
    phone.consent()
    return phone


def ask(phone, **data):
    return phone.tap("who", data, token_from="who")


@pytest.mark.django_db
class TestChoosing:
    pytestmark = [pytest.mark.database]

    def test_the_number_of_adults_comes_first(self, agreed):
        page = agreed.http.get(agreed.home + "who").content.decode()
        assert "一共几位" in page and "过生日" not in page

    def test_the_one_with_the_next_birthday_answers_with_probability_one_in_n(self, agreed):
        response = ask(agreed, n=3, who="me", step="who")
        assert response["Location"] == agreed.home + "form"
        person = SelectedPerson.objects.get()
        assert person.n_eligible == 3 and person.probability == pytest.approx(1 / 3)
        assert person.method == "next_birthday" and person.is_quasi_random

    def test_someone_who_lives_alone_is_asked_without_birthdays(self, agreed):
        page = ask(agreed, n=1)
        assert page["Location"] == agreed.home + "form"
        assert SelectedPerson.objects.get().probability == 1.0

    def test_another_person_gets_the_phone_or_a_later_day(self, agreed):
        page = ask(agreed, n=2, who="other", step="who").content.decode()
        assert "把手机交给" in page and not SelectedPerson.objects.exists()
        assert "等他（她）方便时再答" in ask(agreed, n=2, who="later", step="who").content.decode()
        assert not SelectedPerson.objects.exists()

    def test_help_works_out_the_next_birthday_and_keeps_nothing_of_it(self, agreed):
        today = datetime.date.today()
        soon, late = today + datetime.timedelta(days=20), today - datetime.timedelta(days=20)
        page = ask(
            agreed,
            n=2,
            who="help",
            step="birthdays",
            month0=late.month,
            day0=late.day,
            month1=soon.month,
            day1=soon.day,
        ).content.decode()
        assert "第 2 位" in page and f"{soon.month} 月 {soon.day} 日" in page
        assert not SelectedPerson.objects.exists()

    def test_a_birthday_that_no_year_has_is_pointed_out(self, agreed):
        page = ask(agreed, n=2, who="help", step="birthdays", month0=2, day0=30, month1=1, day1=1)
        assert page.status_code == 400 and "第 1 位的生日不对" in page.content.decode()

    @pytest.mark.parametrize("n", ["", "0", "13", "-1", "二", "²", "1e9"])
    def test_an_impossible_number_is_asked_for_again(self, agreed, n):
        response = ask(agreed, n=n)
        assert response.status_code == 400 and "请点一个数字" in response.content.decode()

    def test_no_answer_to_the_birthday_question_is_pointed_out(self, agreed):
        response = ask(agreed, n=3, step="who")
        assert response.status_code == 400 and "请选一项" in response.content.decode()


def test_counting_starts_tomorrow():
    assert next_birthdays([(11, 22), (11, 23), (1, 1)], TODAY) == [1]
    assert next_birthdays([(11, 22), (11, 21)], TODAY) == [1], "today is the furthest away"
    assert next_birthdays([(2, 29), (3, 1)], TODAY) == [0]


def test_twins_share_the_day():
    assert next_birthdays([(5, 4), (12, 30), (5, 4)], datetime.date(2026, 12, 31)) == [0, 2]


days = st.dates(datetime.date(2024, 1, 1), datetime.date(2024, 12, 31)).map(lambda d: (d.month, d.day))


@given(st.lists(days, min_size=1, max_size=8), days)
def test_nobody_has_an_earlier_birthday_than_the_chosen(birthdays, now):
    today = datetime.date(2024, *now)
    chosen = next_birthdays(birthdays, today)

    def wait(birthday):  # days until the next one, in a year that has 29 February
        days = (datetime.date(2024, *birthday) - today).days
        return days if days > 0 else days + 366

    waits = [wait(b) for b in birthdays]
    assert {waits[i] for i in chosen} == {min(waits)}
    assert len(chosen) == waits.count(min(waits))


@pytest.mark.parametrize(
    ("month", "day", "real"), [(2, 29, True), (2, 30, False), (4, 31, False), (0, 1, False)]
)
def test_only_days_that_some_year_has(month, day, real):
    assert is_day(month, day) is real
