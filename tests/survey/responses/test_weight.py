"""What a resident on a slow line has to wait for: every byte of a page and of what it loads, compressed."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from survey.questionnaires.services import read_form
from survey.settings import BASE_DIR
from tests.residents import Phone, make_open_round, make_version, write_letter

pytestmark = [pytest.mark.django_db, pytest.mark.database]
CORE_FORM = BASE_DIR / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
LIMIT_BYTES = 60_000


@pytest.fixture
def newcomer(regions):
    """A phone with a letter of a round that asks the questionnaire that ships."""
    document, _warnings = read_form(CORE_FORM)
    round_ = make_open_round(regions["370105000000"], questionnaire_version=make_version(document))
    phone = Phone()
    phone.letter = write_letter(round_.cases.first())[0]
    return phone


def weight(phone: Phone, address: str) -> int:
    """Bytes of the page as sent, and of its styles, scripts and pictures as gzip makes them."""
    page = phone.http.get(address, headers={"accept-encoding": "gzip"})
    assert page.status_code == 200 and page["Content-Encoding"] == "gzip"
    html = gzip.decompress(page.content).decode()
    files = set(re.findall(r'\s(?:href|src)="/static/([^"]+)"', html))
    assert len(files) >= 3
    loaded = [Path(finders.find(name.split("?")[0])).read_bytes() for name in files]
    return len(page.content) + sum(len(gzip.compress(data, 9)) for data in loaded)


def test_the_letters_page_the_welcome_and_the_questionnaire_stay_below_60_kb(newcomer):
    weights = {"entry": weight(newcomer, f"/s/{newcomer.letter}")}
    newcomer.scan(newcomer.letter)
    weights["welcome"] = weight(newcomer, newcomer.home)
    newcomer.consent()
    newcomer.choose()
    weights["questionnaire"] = weight(newcomer, newcomer.home + "form")
    print(weights)
    assert max(weights.values()) <= LIMIT_BYTES, weights


def test_the_pages_load_nothing_from_elsewhere_and_carry_no_inline_script_or_style(newcomer):
    newcomer.scan(newcomer.letter)
    for page in ("", "privacy"):
        html = newcomer.http.get(newcomer.home + page).content.decode()
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
        assert not re.search(r"<script(?![^>]*(?:src=|application/json))|\sstyle=|\son\w+=", html)
