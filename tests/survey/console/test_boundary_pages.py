"""The page where borders are loaded, and the board's and the report's maps, which come from nothing else."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from survey.audit.services import SYSTEM
from survey.regions.boundary_files import load_boundaries
from survey.regions.models import BoundaryFile
from tests.made_up_borders import NUMBER, collection, feature, file_of, square

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STREETS = ["370105001000", "370105003000"]


def send(team, content, **values):
    file = SimpleUploadedFile("街道.geojson", content, content_type="application/geo+json")
    data = {"file": file, "approval_number": NUMBER, "datum": "cgcs2000", **values}
    return team.post("/console/boundaries/", data)


def load(codes):
    return load_boundaries(
        name="街道.geojson",
        content=file_of(codes),
        approval_number=NUMBER,
        datum="unknown",
        within=["37"],
        acting_user=SYSTEM,
    )


def test_a_file_is_loaded_looked_at_and_withdrawn(team, regions):
    odd = feature("990101001000", square(2), name="别处街道")
    sent = send(team, collection(feature(STREETS[0], square(0)), odd))
    file = BoundaryFile.objects.get()
    assert sent.url == f"/console/boundaries/{file.pk}/"
    page = team.get(sent.url).content.decode()
    assert f"审图号：{NUMBER}" in page and "无影山街道" in page
    assert "别处街道" in page and "天桥东街街道" in page  # what did not match; who has no border yet
    assert team.post(f"{sent.url}withdraw/").url == "/console/boundaries/"
    page = team.get(sent.url).content.decode()
    assert "停用" in page and '<svg class="map"' not in page


def test_a_refused_file_says_every_reason_and_leaves_nothing(team, regions):
    twice = collection(
        feature(STREETS[0], square(0)), feature(STREETS[0], square(1)), feature("x", square(2))
    )
    page = send(team, twice)
    assert page.status_code == 400
    html = page.content.decode()
    assert "第 2 个图形" in html and "第 3 个图形" in html
    assert not BoundaryFile.objects.exists()


@pytest.mark.parametrize("missing", ["approval_number", "datum"])
def test_number_and_coordinates_must_be_stated(team, regions, missing):
    page = send(team, file_of(STREETS), **{missing: ""})
    assert page.context["form"].errors.keys() == {missing}
    assert not BoundaryFile.objects.exists()


def test_the_board_shows_a_map_only_when_borders_were_loaded(team, drawn_round):
    address = f"/console/rounds/{drawn_round.pk}/fieldwork/"
    assert "审图号" not in team.get(address).content.decode()
    load(STREETS[:1])
    page = team.get(address)
    html = page.content.decode()
    assert f"审图号：{NUMBER}" in html and "收回 0 / 6 户" in html
    assert [mark.name for mark in page.context["map"].missing] == ["天桥东街"]
    (district,) = page.context["districts"]
    assert [area.mark.tone for area in page.context["map"].areas] == [
        str(district["streets"][0]["tile"].band)
    ]
