"""Borders that nobody has: squares in a row, for tests of maps. No real border is drawn from memory."""

import json

CORNER, SIDE = (100.0, 30.0), 0.01
NUMBER = "鲁S(2024)001号"


def square(column: int, row: int = 0) -> list[list[float]]:
    """A closed ring, counted from a corner in the middle of nowhere."""
    west, south = CORNER[0] + column * SIDE, CORNER[1] + row * SIDE
    east, north = west + SIDE, south + SIDE
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(code, ring, *, name="", key="统计用区划代码", kind="Polygon"):
    """One GeoJSON feature with a polygon of one ring."""
    coordinates = [ring] if kind == "Polygon" else [[ring]]
    return {
        "type": "Feature",
        "properties": {key: code, "名称": name},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def collection(*features, **values) -> bytes:
    """A GeoJSON file."""
    return json.dumps({"type": "FeatureCollection", "features": list(features), **values}).encode()


def file_of(codes) -> bytes:
    """A file with a square for each code, side by side."""
    return collection(*(feature(code, square(place)) for place, code in enumerate(codes)))
