"""QR codes on paper: eight to a page for households, in the place of letters."""

import re

import pytest

from survey.audit.services import SYSTEM
from survey.contacts.letter_page import Letter
from survey.contacts.models import HouseholdCode, LetterBatch
from survey.contacts.services import find_case_by_qr, open_letters, prepare_letters
from survey.contacts.sheet_page import household_cells, render, strings_of
from tests.residents import make_open_round

pytestmark = [pytest.mark.django_db, pytest.mark.database]
PAGES = re.compile(rb"/Type\s*/Page\b")


@pytest.fixture
def round_(regions, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_open_round(regions["370105000000"])


def letters(n):
    return [
        Letter(
            number=f"A{i}", place="济南市 天桥区", address="堤口路 1 号", qr="a" * 26, typed="7K4M29XAB3CD"
        )
        for i in range(n)
    ]


@pytest.mark.parametrize(("n", "pages"), [(1, 1), (8, 1), (9, 2), (17, 3)])
def test_eight_codes_fill_a_page(round_, n, pages):
    cells = household_cells(round_, letters(n), public_url="https://x.example", language="zh-hans")
    document = render(round_, cells)
    assert document.startswith(b"%PDF") and len(PAGES.findall(document)) == pages


def test_a_cell_says_whose_code_it_is_and_how_to_check(round_):
    cell = household_cells(round_, letters(1), public_url="https://x.example", language="zh-hans")[0]
    assert cell.qr == f"https://x.example/s/{'a' * 26}" and cell.code == "7K4M-29XA-B3CD"
    assert round_.study.contact_phone in cell.foot and "A0" in cell.foot
    assert "a" * 26 not in "".join(strings_of([cell])), "the secret is in the picture only"


def test_a_sheet_takes_the_place_of_letters(round_):
    issued = []
    batch = prepare_letters(round=round_, acting_user=SYSTEM, as_sheet=True, deliver=issued.extend)
    n = round_.cases.count()
    assert LetterBatch.objects.get().n_letters == n == len(issued) and HouseholdCode.objects.count() == 2 * n
    document = open_letters(batch=batch, part=1, acting_user=SYSTEM)
    assert len(PAGES.findall(document)) == -(-n // 8)
    case, qr, _typed = issued[0]
    assert find_case_by_qr(qr) == case and case.contacts.get().mode == "letter"


def test_a_page_has_eight_codes_or_one(round_):
    with pytest.raises(ValueError, match="per_page"):
        render(round_, [], per_page=3)
