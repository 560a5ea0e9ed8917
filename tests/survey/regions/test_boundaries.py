"""Maps come only from files that somebody loaded with their 审图号; a file's faults are said in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.errors import Problem
from survey.regions.boundaries import BoundaryError, check_approval_number, read_boundaries
from survey.regions.boundary_files import load_boundaries, withdraw_boundaries
from survey.regions.maps import Mark, file_map, region_map
from survey.regions.models import BoundaryFile
from survey.regions.outlines import draw
from tests import factories
from tests.made_up_borders import NUMBER, collection, feature, file_of, square

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STREETS = ["370105001000", "370105003000"]
MARKS = {STREETS[0]: Mark("无影山", "above", "高于平均"), STREETS[1]: Mark("天桥东街", "near", "分不出高低")}


@pytest.fixture
def regions():
    return factories.make_regions()


def load(content, **values):
    given = {"name": "街道.geojson", "approval_number": NUMBER, "datum": "cgcs2000", "within": ["37"]}
    return load_boundaries(content=content, acting_user=SYSTEM, **{**given, **values})


def test_without_a_file_there_is_no_map(regions):
    assert region_map(MARKS) is None


def test_a_map_carries_its_number_every_border_and_whom_it_lacks(regions):
    file = load(file_of([STREETS[0], "370105000000"]))
    made = region_map(MARKS, around=["370105000000"])
    assert made.approval_number == NUMBER
    assert [area.mark.name for area in made.areas] == ["无影山"]
    assert [mark.name for mark in made.missing] == ["天桥东街"]
    assert len(made.frames) == 1 and made.width == 800
    assert len(file.content_hash) == 64 and file.unmatched == []
    assert AuditEntry.objects.get(action="regions.boundaries.loaded").detail["approval_number"] == NUMBER


def test_codes_that_no_region_has_are_listed_and_not_kept(regions):
    odd = feature("990101001000", square(1), name="别处街道")
    file = load(collection(feature(STREETS[0], square(0)), odd))
    assert file.unmatched == [{"number": 2, "code": "990101001000", "name": "别处街道"}]
    assert [b.region.code for b in file.boundaries.all()] == [STREETS[0]]


def test_short_codes_as_surveyors_write_them_are_filled_up(regions):
    load(collection(feature(370105, square(0), key="XZQDM"), feature("370105001", square(1), key="code")))
    assert {area.code for area in file_map(BoundaryFile.objects.get()).areas} == {STREETS[0]}


def test_of_too_many_places_the_next_level_is_drawn(regions, monkeypatch):
    monkeypatch.setattr("survey.regions.maps.MOST_DRAWN", 1)
    file = load(file_of([*STREETS, "370105000000"]))
    assert [area.code for area in file_map(file).areas] == ["370105000000"]
    withdraw_boundaries(file=file, acting_user=SYSTEM)
    assert file_map(load(file_of(STREETS))) is None


def test_a_withdrawn_file_draws_nothing_and_may_be_loaded_again(regions):
    content = file_of(STREETS)
    file = load(content)
    with pytest.raises(Problem, match="已经收过"):
        load(content)
    withdraw_boundaries(file=file, acting_user=SYSTEM)
    withdraw_boundaries(file=file, acting_user=SYSTEM)
    assert region_map(MARKS) is None
    assert AuditEntry.objects.filter(action="regions.boundaries.withdrawn").count() == 1
    load(content)
    assert len(region_map(MARKS).areas) == 2


def test_of_two_files_the_one_with_more_of_the_places_is_drawn_and_never_both(regions):
    load(file_of(STREETS))
    load(file_of(STREETS[:1]), approval_number="GS(2023)0456号")
    made = region_map(MARKS)
    assert (made.approval_number, len(made.areas)) == (NUMBER, 2)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", "没有审图号的地图不能给人看"),
        ("   ", "没有审图号的地图不能给人看"),
        ("无", "不像审图号"),
        ("鲁S2024001", "不像审图号"),
        ("鲁S(2024)000号", "不像审图号"),
        ("鲁S(2099)001号", "年份 2099 不对"),
    ],
)
def test_no_file_is_taken_without_a_plausible_number(regions, number, reason):
    with pytest.raises(Problem, match=reason):
        load(file_of(STREETS), approval_number=number)
    assert not BoundaryFile.objects.exists()


@pytest.mark.parametrize(
    "number",
    ["鲁S(2024)001号", "GS（2019）1822号", "GS京(2022)1061号", "川S【2021】00059号", " 鲁SG(2023)7号 "],
)
def test_the_forms_of_numbers_that_maps_carry_are_taken(number):
    assert check_approval_number(number, this_year=2026) == number.strip()


MORE = [[118.0, 36.0], [118.1, 36.0], [118.1, 36.1]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04", "不是 GeoJSON"),
        (b"\xff\xfe{}", "不是 UTF-8"),
        (b"[" * 100_000, "不是 GeoJSON"),
        (b'{"type": "Topology"}', "FeatureCollection"),
        (collection(), "一个图形也没有"),
        (file_of(["990101001000"]), "没有一个图形的区划代码"),
        (
            collection(
                feature(STREETS[0], square(0)),
                crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4527"}},
            ),
            "只收经纬度",
        ),
        (collection(feature(STREETS[0], square(0)), feature(STREETS[0], square(1))), "第 2 个图形.*重复"),
        (collection(feature(None, square(0))), "没有区划代码"),
        (collection(feature("天桥区", square(0))), "不全是数字"),
        (collection(feature(STREETS[0], MORE)), "不足四个点"),
        (collection(feature(STREETS[0], [*MORE, [118.0, 36.2]])), "没有闭合"),
        (collection(feature(STREETS[0], [[y, x] for x, y in square(0)])), "写反了"),
        (collection(feature(STREETS[0], [[x - 90, y] for x, y in square(0)])), "不在中国境内"),
        (collection(feature(STREETS[0], [[x * 4e5, y * 1e5] for x, y in square(0)])), "像是米"),
        (collection(feature(STREETS[0], [["a", 1], *square(0)[1:]])), "不是两个数"),
        (collection(feature(STREETS[0], [[True, 1], *square(0)[1:]])), "不是两个数"),
        (collection({**feature(STREETS[0], square(0)), "geometry": None}), "它不是面"),
        (
            collection(
                {**feature(STREETS[0], square(0)), "geometry": {"type": "MultiPolygon", "coordinates": []}}
            ),
            "是空的",
        ),
        (collection(7), "不是图形"),
        (b" " * (20 * 1024 * 1024 + 1), "超过 20 MB"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words_and_nothing_of_it_is_kept(regions, content, reason):
    with pytest.raises(Problem) as caught:
        load(content)
    assert re.search(reason, caught.value.message), caught.value.message
    assert not BoundaryFile.objects.exists()


def test_borders_outside_of_ones_own_regions_are_refused(regions):
    with pytest.raises(Problem, match=r"天桥东街街道.*不在您管的范围里"):
        load(file_of(STREETS), within=["370105001"])


json_like = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(geometry=json_like, properties=json_like, ring=json_like)
def test_whatever_a_file_holds_is_either_a_shape_or_a_stated_fault(geometry, properties, ring):
    features = [
        {"properties": properties, "geometry": geometry},
        {"properties": {"code": "370105"}, "geometry": {"type": "Polygon", "coordinates": [ring]}},
    ]
    shapes, errors = read_boundaries(collection(*features))
    assert len(shapes) + len(errors) == 2
    assert all(isinstance(error, BoundaryError) for _number, error in errors)


rings = st.lists(
    st.tuples(st.floats(73, 136, allow_nan=False), st.floats(3, 54, allow_nan=False)), min_size=3, max_size=30
).map(lambda points: [*points, points[0]])


@given(shapes=st.dictionaries(st.sampled_from("abcdef"), st.lists(rings, min_size=1, max_size=3), min_size=1))
def test_every_shape_is_drawn_inside_the_picture_however_small_or_flat(shapes):
    made = draw(shapes, names=dict.fromkeys(shapes, "某某街道"))
    assert made.paths.keys() == shapes.keys()
    assert 0 <= made.width <= 800 and 0 <= made.height <= 800
    for path in made.paths.values():
        assert re.fullmatch(r"(M-?\d+ -?\d+(l-?\d+ -?\d+( -?\d+ -?\d+)+z|h2v2h-2z))+", path), path
    for x, y, _on_phones in made.labels.values():
        assert 0 <= x <= made.width and 0 <= y <= made.height


def test_a_name_is_written_only_where_it_fits():
    """In a picture of 800 × 464 units: phones' names are 30 units high, screens' 19."""
    square = [[100, 30], [102, 30], [102, 31], [100, 31], [100, 30]]
    made = {n: draw({"a": [square]}, names={"a": "字" * n}).labels.get("a") for n in (20, 35, 45)}
    assert made[20][2] is True and made[35][2] is False and made[45] is None
    ring = [*square[:3], [100, 31], [100, 30.9], [101.9, 30.9], [101.9, 30.1], [100, 30.1], square[0]]
    assert draw({"a": [ring]}, names={"a": "某某"}).labels == {}  # a bracket's middle lies outside of it


def test_neighbours_keep_one_border_and_straight_lines_lose_their_middle():
    left = [[100, 30], [101, 30], [101, 30.5], [101, 31], [100, 31], [100, 30]]
    right = [[101, 30], [102, 30], [102, 31], [101, 31], [101, 30.5], [101, 30]]
    made = draw({"left": [left], "right": [right]})
    corners = {code: set(_corners(path)) for code, path in made.paths.items()}
    assert len(corners["left"] & corners["right"]) == 2
    assert [len(found) for found in corners.values()] == [4, 4]


def _corners(path):
    start, steps = re.fullmatch(r"M(\S+ \S+)l(.*)z", path).groups()
    x, y = map(int, start.split())
    yield x, y
    numbers = list(map(int, steps.split()))
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        yield x, y
