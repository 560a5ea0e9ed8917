"""The letter's address: nothing by looking, one tap to come in, and no code afterwards."""

import logging
from io import StringIO

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from survey.responses.models import Respondent
from tests.residents import Phone, write_letter

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def count_rows() -> dict[str, int]:
    return {model._meta.label: model.objects.count() for model in apps.get_models() if model._meta.managed}


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_letters_address_leaves_no_trace(letter, method):
    before = count_rows()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = getattr(Client(), method)(f"/s/{letter[0]}")
    assert response.status_code == 200 and not response.cookies
    assert count_rows() == before
    assert all(query["sql"].startswith("SELECT") for query in queries)


def test_opening_the_letter_says_who_asks_and_offers_one_button(letter, open_round):
    html = Client().get(f"/s/{letter[0]}").content.decode()
    assert open_round.study.sponsor in html and open_round.study.contact_phone in html
    assert html.count('type="submit"') == 1


def test_the_page_may_not_be_cached_indexed_or_tell_where_one_came_from(letter):
    response = Client().get(f"/s/{letter[0]}")
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "noindex" in response["X-Robots-Tag"]


def test_one_tap_leads_to_an_address_without_the_code(letter):
    phone = Phone()
    response = phone.post(f"/s/{letter[0]}", {})
    assert response.status_code == 302 and response["Location"].startswith("/r/")
    assert letter[0] not in response["Location"]
    page = phone.land(response)
    assert page.status_code == 200 and letter[0] not in page.content.decode()
    assert page["Referrer-Policy"] == "no-referrer" and page["Cache-Control"] == "no-store"


def test_the_phone_gets_a_secret_that_scripts_cannot_read_and_only_its_hash_is_stored(letter):
    phone = Phone()
    cookie = phone.post(f"/s/{letter[0]}", {}).cookies["minyi_device"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    respondent = Respondent.objects.get()
    assert len(cookie.value) == 43 and cookie.value not in str(vars(respondent))
    assert "sessionid" not in phone.http.cookies and "csrftoken" not in phone.http.cookies


def test_scanning_twice_on_one_phone_is_one_respondent(letter):
    phone = Phone()
    phone.scan(letter[0])
    first = phone.home
    phone.scan(letter[0])
    assert phone.home == first and Respondent.objects.count() == 1


def test_opening_marks_the_household_as_opened_only_after_the_tap(letter, case):
    Client().get(f"/s/{letter[0]}")
    case.refresh_from_db()
    assert case.status == "waiting"
    Phone().scan(letter[0])
    case.refresh_from_db()
    assert case.status == "opened"


def test_the_typed_code_opens_the_same_door(letter):
    phone = Phone()
    response = phone.post("/s/", {"code": f" {letter[1][:4]}-{letter[1][4:].lower()} "})
    assert response.status_code == 302 and letter[1] not in response["Location"]
    assert phone.land(response).status_code == 200


def test_a_wrong_typed_code_says_what_to_do_and_keeps_the_form(letter):
    response = Phone().post("/s/", {"code": "0000-0000-0001"})
    assert response.status_code == 404 and "12 位" in response.content.decode()


def test_guessing_typed_codes_from_one_address_is_throttled(letter):
    phone = Phone()
    statuses = [phone.post("/s/", {"code": "0000-0000-0001"}).status_code for _ in range(11)]
    assert statuses[:10] == [404] * 10 and statuses[10] == 429
    assert phone.post(f"/s/{letter[0]}", {}).status_code == 302, (
        "the QR is not throttled: it cannot be guessed"
    )


def test_an_unknown_and_a_replaced_code_are_told_apart(letter, case):
    assert Client().get("/s/" + "0" * 26).status_code == 404
    write_letter(case)
    response = Client().get(f"/s/{letter[0]}")
    assert response.status_code == 410 and "最近收到的那封信" in response.content.decode()


def test_a_closed_round_says_so(letter, open_round):
    open_round.state = "closed"
    open_round.save()
    assert Client().get(f"/s/{letter[0]}").status_code == 410


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}],
    ids=["current", "older"],
)
def test_another_site_cannot_open_the_door_in_somebodys_browser(letter, headers):
    response = Client().post(f"/s/{letter[0]}", headers=headers)
    assert response.status_code == 403 and not response.cookies and not Respondent.objects.exists()


def test_the_language_asked_for_on_the_letters_page_stays(letter):
    phone = Phone()
    page = phone.http.get(f"/s/{letter[0]}?lang=en")
    assert not page.cookies and '<html lang="en">' in page.content.decode()
    assert phone.post(f"/s/{letter[0]}", {"lang": "en"}).cookies["django_language"].value == "en"


@pytest.fixture
def log():
    """What the program's own handlers write; pytest's are left out."""
    stream = StringIO()
    names = [None, *settings.LOGGING["loggers"], "django", "survey", "gunicorn.access"]
    found = {handler for name in names for handler in logging.getLogger(name).handlers}
    own = [handler for handler in found if type(handler) is logging.StreamHandler]
    before = [(handler, handler.setStream(stream)) for handler in own]
    assert before
    yield stream
    for handler, old in before:
        handler.setStream(old)


def test_no_log_line_carries_a_code(letter, log):
    client = Client(raise_request_exception=False)
    client.get(f"/s/{letter[0]}")
    client.post(f"/s/{letter[0]}")
    client.post(f"/s/{letter[0]}", headers={"sec-fetch-site": "cross-site"})
    client.post("/s/", {"code": letter[1]})
    client.get(f"/s/{letter[0]}/more")
    for name in ("django.server", "django.request", "survey.responses"):
        logging.getLogger(name).error('"GET %s HTTP/1.1" 200', f"/s/{letter[0]}")
    assert log.getvalue().count("/s/***") >= 3
    assert letter[0] not in log.getvalue() and letter[1] not in log.getvalue()
