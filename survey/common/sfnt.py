"""Reads which characters an OpenType font can draw: its cmap table, formats 4 and 12.

Two pages of the OpenType specification, so that no font library is needed at run time
(https://learn.microsoft.com/typography/opentype/spec/cmap).
"""

import struct
from functools import lru_cache
from pathlib import Path

# (platform, encoding) of Unicode subtables, the ones beyond the basic plane first.
_UNICODE = [(3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0)]


class FontError(ValueError):
    """Not an OpenType font, or one without a Unicode cmap."""


@lru_cache(maxsize=64)
def code_points(path: str, index: int = 0) -> frozenset[int]:
    """The code points that the font draws. `index` counts the fonts of a collection (.ttc).

    Raises
    ------
    FontError : the file is not a font that this reader knows.
    """
    try:
        data = _cmap_table(Path(path), index)
        tables = {}
        for place in range(struct.unpack_from(">H", data, 2)[0]):
            platform, encoding, offset = struct.unpack_from(">HHI", data, 4 + 8 * place)
            tables[platform, encoding] = offset
        for key in _UNICODE:
            if key in tables:
                return frozenset(_points(data, tables[key]))
    except (struct.error, OSError) as exc:
        raise FontError(str(path)) from exc
    raise FontError(f"{path}: no Unicode cmap")


def _cmap_table(path: Path, index: int) -> bytes:
    """The bytes of the cmap table; reads nothing else of a large file."""
    with path.open("rb") as file:
        start = 0
        if file.read(4) == b"ttcf":
            file.seek(12 + 4 * index)
            start = struct.unpack(">I", file.read(4))[0]
        file.seek(start + 4)
        n_tables = struct.unpack(">H", file.read(2))[0]
        file.seek(start + 12)
        directory = file.read(16 * n_tables)
        for place in range(n_tables):
            tag, _sum, offset, length = struct.unpack_from(">4sIII", directory, 16 * place)
            if tag == b"cmap":
                file.seek(offset)
                return file.read(length)
    raise FontError(f"{path}: no cmap")


def _points(data: bytes, offset: int) -> list[int]:
    form = struct.unpack_from(">H", data, offset)[0]
    if form == 12:
        return _format_12(data, offset)
    if form == 4:
        return _format_4(data, offset)
    raise FontError(f"cmap format {form}")


def _format_12(data: bytes, offset: int) -> list[int]:
    """Groups (first character, last character, first glyph); glyph 0 is the missing glyph."""
    n_groups = struct.unpack_from(">I", data, offset + 12)[0]
    points: list[int] = []
    for first, last, glyph in struct.iter_unpack(">III", data[offset + 16 : offset + 16 + 12 * n_groups]):
        points.extend(range(first + (glyph == 0), last + 1))
    return points


def _format_4(data: bytes, offset: int) -> list[int]:
    """Segments with an end, a start, a delta and an offset into the glyph array."""
    n = struct.unpack_from(">H", data, offset + 6)[0] // 2
    ends = struct.unpack_from(f">{n}H", data, offset + 14)
    starts = struct.unpack_from(f">{n}H", data, offset + 16 + 2 * n)
    deltas = struct.unpack_from(f">{n}H", data, offset + 16 + 4 * n)
    ranges_at = offset + 16 + 6 * n
    ranges = struct.unpack_from(f">{n}H", data, ranges_at)
    points = []
    for i in range(n):
        for point in range(starts[i], ends[i] + 1):
            glyph = point
            if ranges[i]:
                place = ranges_at + 2 * i + ranges[i] + 2 * (point - starts[i])
                glyph = struct.unpack_from(">H", data, place)[0]
                if glyph == 0:
                    continue
            if (glyph + deltas[i]) & 0xFFFF and point != 0xFFFF:
                points.append(point)
    return points
