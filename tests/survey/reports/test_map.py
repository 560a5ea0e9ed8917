"""A report's map: the tiles' own tints and words, drawn only where somebody loaded borders."""

import re

import pytest

from survey.audit.services import SYSTEM
from survey.regions.boundary_files import load_boundaries
from tests import factories
from tests.made_up_borders import NUMBER, file_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def page(client, report, regions):
    official = factories.make_user("liu", "official", regions["370105000000"])
    client.force_login(official, backend="django.contrib.auth.backends.ModelBackend")
    return lambda: client.get(f"/reports/{report.number}/").content.decode()


def load(*codes):
    load_boundaries(
        name="边界.geojson",
        content=file_of(codes),
        approval_number=NUMBER,
        datum="gcj02",
        within=["37"],
        acting_user=SYSTEM,
    )


def test_without_borders_a_report_has_tiles_and_no_map(page):
    html = page()
    assert 'id="tiles"' in html and 'id="map"' not in html and "审图号" not in html


def test_with_borders_each_area_says_what_its_tile_says(page):
    load("370105001000", "370105003000", "370105000000")
    html = page()
    assert f"审图号：{NUMBER}" in html
    sides = re.findall(r'class="tile tile-(\w+)', html)
    assert sorted(re.findall(r'class="area area-(\w+)', html)) == sorted(sides[-2:])
    assert html.count('class="frame-line"') <= 1
    assert "map-table" in html  # the table behind the picture


def test_a_place_without_a_border_is_named_and_keeps_its_row(page):
    load("370105001000")
    html = page()
    assert "边界文件里没有这 1 处" in html and html.count('class="area ') == 1
