"""Boundary files (GeoJSON, RFC 7946), read and checked. Pure: no Django, no database.

Only longitudes and latitudes are taken (RFC 7946, section 4): WGS 84, or China's CGCS2000, which differs from
it by centimetres. GCJ-02, the shifted coordinates of Chinese map services, looks the same in a file and lies
some hundred metres aside; nothing in the numbers tells them apart, so whoever brings the file says which.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_BYTES = 20 * 1024 * 1024
MAX_POINTS = 1_000_000
DIGITS = 5  # decimals of a degree that are kept, about a metre
# What a file calls the code, in this order; XZQDM is the field of China's own survey data (GB/T 39740).
CODE_NAMES = ("统计用区划代码", "区划代码", "行政区划代码", "代码", "code", "region_code", "adcode", "XZQDM")
NAME_NAMES = ("名称", "区划名称", "name", "NAME", "XZQMC")
# A little wider than China's ends: 73°E to 135°E, 4°N to 53°N.
WEST, EAST, SOUTH, NORTH = 73.0, 136.0, 3.0, 54.0
LONGEST_CODE = 12
MOST_METRES = 1e9  # no projection of the earth has longer coordinates
DEGREES = ("CRS84", "4326", "4490")  # names of coordinate systems in longitude and latitude

Ring = list[tuple[float, float]]
# Province and city letters, kind, year, number: GS(2024)0001号, GS京(2024)0001号, 鲁S(2024)001号.
_NUMBER = re.compile(
    r"(?P<who>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]?[A-Z]{1,4}"
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]?)"
    r"[(（\[【〔](?P<year>\d{4})[)）\]】〕](?P<number>\d{1,6})号"
)
FIRST_YEAR = 2000


class BoundaryError(ValueError):
    """What is wrong: `kind` and the values that its words need."""

    def __init__(self, kind: str, **values: Any) -> None:
        super().__init__(kind)
        self.kind, self.values = kind, values


class Shape(NamedTuple):
    """One feature: its place in the file from 1, its code of 12 or more digits, its name, its rings.

    Rings are closed, (longitude, latitude) in degrees; holes are rings like others (fill them by even-odd).
    """

    number: int
    code: str
    name: str
    rings: list[Ring]


def check_approval_number(text: str, *, this_year: int) -> str:
    """A 审图号 without outer blanks, if it looks like one; whether it was given out only its office knows.

    Raises
    ------
    BoundaryError : "no_number", "odd_number" or "number_year".
    """
    stripped = text.strip()
    if not stripped:
        raise BoundaryError("no_number")
    found = _NUMBER.fullmatch("".join(stripped.split()))
    if found is None or not int(found["number"]):
        raise BoundaryError("odd_number", number=stripped[:40])
    if not FIRST_YEAR <= int(found["year"]) <= this_year:
        raise BoundaryError("number_year", year=found["year"])
    return "".join(stripped.split())


def read_boundaries(content: bytes) -> tuple[list[Shape], list[tuple[int, BoundaryError]]]:
    """The shapes of a file and, by the number of the feature, what is wrong with others.

    Raises
    ------
    BoundaryError : the file as a whole cannot be read.
    """
    features = _features(content)
    shapes: list[Shape] = []
    errors: list[tuple[int, BoundaryError]] = []
    first_of: dict[str, int] = {}
    points = 0
    for number, feature in enumerate(features, start=1):
        try:
            shape = _shape(number, feature)
            if shape.code in first_of:
                raise BoundaryError("same_code", code=shape.code, other=first_of[shape.code])
        except BoundaryError as error:
            errors.append((number, error))
            continue
        first_of[shape.code] = number
        points += sum(len(ring) for ring in shape.rings)
        if points > MAX_POINTS:
            raise BoundaryError("too_many_points", most=MAX_POINTS)
        shapes.append(shape)
    return shapes, errors


def _features(content: bytes) -> list[Any]:
    if len(content) > MAX_BYTES:
        raise BoundaryError("too_large", most=MAX_BYTES // (1024 * 1024))
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BoundaryError("not_utf8") from None
    except (ValueError, RecursionError):
        raise BoundaryError("not_json") from None
    if not isinstance(data, Mapping) or data.get("type") != "FeatureCollection":
        raise BoundaryError("not_geojson")
    features = data.get("features")
    if not isinstance(features, list) or not features:
        raise BoundaryError("no_features")
    _check_system(data.get("crs"))
    return features


def _check_system(crs: Any) -> None:
    """An old file may name its coordinate system (GeoJSON 2008); one in metres is no use."""
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = str(properties.get("name", "")) if isinstance(properties, Mapping) else ""
    if not name.endswith(DEGREES):
        raise BoundaryError("other_system", name=name[:60])


def _shape(number: int, feature: Any) -> Shape:
    if not isinstance(feature, Mapping):
        raise BoundaryError("no_feature")
    properties = feature.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    code = _code(properties)
    rings = [_ring(ring) for polygon in _polygons(feature.get("geometry")) for ring in polygon]
    name = next((str(properties[key])[:60] for key in NAME_NAMES if properties.get(key)), "")
    return Shape(number, code, name, rings)


def _code(properties: Mapping[str, Any]) -> str:
    """The division code, filled up with zeros: 370105 and 370105000000 are one district."""
    found = next((properties[key] for key in CODE_NAMES if properties.get(key) not in (None, "")), None)
    if found is None:
        raise BoundaryError("no_code", names="、".join(CODE_NAMES))
    if isinstance(found, float) and found.is_integer():
        found = int(found)  # as spreadsheets export whole numbers
    text = str(found).strip()
    if isinstance(found, bool) or not (text.isascii() and text.isdigit() and 2 <= len(text) <= 18):
        raise BoundaryError("odd_code", code=text[:30])
    return text.ljust(LONGEST_CODE, "0")


def _polygons(geometry: Any) -> list[Any]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise BoundaryError("no_polygon", found=str(kind)[:30])
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or not polygons:
        raise BoundaryError("empty_polygon")
    if not all(isinstance(polygon, list) and polygon for polygon in polygons):
        raise BoundaryError("empty_polygon")
    return polygons


def _ring(ring: Any) -> Ring:
    if not isinstance(ring, list) or len(ring) < 4:  # RFC 7946, section 3.1.6: four or more positions
        raise BoundaryError("short_ring")
    points = [_point(position) for position in ring]
    if points[0] != points[-1]:
        raise BoundaryError("open_ring")
    return points


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < MOST_METRES  # also false for NaN


def _point(position: Any) -> tuple[float, float]:
    if not isinstance(position, list) or len(position) < 2:
        raise BoundaryError("odd_point")
    x, y = position[:2]
    if not (_is_number(x) and _is_number(y)):
        raise BoundaryError("odd_point")
    if abs(x) > 360 or abs(y) > 360:
        raise BoundaryError("metres", x=f"{x:g}", y=f"{y:g}")
    if WEST <= x <= EAST and SOUTH <= y <= NORTH:
        return round(float(x), DIGITS), round(float(y), DIGITS)
    if WEST <= y <= EAST and SOUTH <= x <= NORTH:
        raise BoundaryError("swapped", x=f"{x:g}", y=f"{y:g}")
    raise BoundaryError("abroad", x=f"{x:g}", y=f"{y:g}")
