"""Turns the rows of a household list into rows of a frame, and keeps what is wrong with the others."""

import uuid
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from os import urandom
from pathlib import Path

from django.utils.translation import gettext as _

from survey.common.crypto import encryptor, keyed_hasher
from survey.common.refused import RefusedRows
from survey.common.tables import read_table
from survey.regions.models import Region
from survey.sampling.bulk import UnitRow
from survey.sampling.lines import COLLECTIVE, FAMILY, SALT_BYTES, commit_line, normalise_address
from survey.sampling.models import FrameVersion

COLUMNS = {
    "community_code": ("社区代码", "社区（村）代码", "居委会代码", "区划代码", "community"),
    "address": ("地址", "住址", "住户地址", "详细地址"),
    "grid": ("网格", "网格代码", "网格号", "grid_code"),
    "household_number": ("户号", "户编号", "household_id", "household"),
    "phone": ("电话", "手机", "联系电话", "手机号", "tel", "mobile"),
    "kind": ("户别", "户类型", "household_type", "type"),
}
REQUIRED = ["community_code", "address"]
KINDS = {
    "": FAMILY,
    "家庭户": FAMILY,
    "家庭": FAMILY,
    "family": FAMILY,
    "集体户": COLLECTIVE,
    "集体": COLLECTIVE,
    "collective": COLLECTIVE,
}
LIMITS = {"address": 300, "household_number": 60, "phone": 40}
ADDRESS_PURPOSE, PHONE_PURPOSE = "sampling.address", "sampling.phone"


class _UnknownPlace(ValueError):
    """A code that names no community of the region: put into words later, which takes the database."""


class HouseholdRows:
    """The good rows of a list, one by one. Reading goes on after a bad row, to list them all.

    `n_rows` counts the rows read so far, good and bad; a row's position in the frame is that count.
    """

    def __init__(self, frame: FrameVersion, refused: RefusedRows) -> None:
        self.frame = frame
        self.refused = refused
        self.n_rows = 0
        regions = Region.objects.within(frame.region.path).current()
        self._places: dict[str, int] = dict(
            regions.filter(level=Region.Level.COMMUNITY).values_list("code", "id")
        )
        self._grids: dict[str, int] = dict(regions.filter(level=Region.Level.GRID).values_list("code", "id"))
        self._bad: list[tuple[int, ValueError]] = []
        # Row numbers run ahead of positions after each empty row: where, and by how much from there.
        self._gaps, self._ahead = array("Q"), array("Q")
        self._encrypt_address = encryptor(ADDRESS_PURPOSE)
        self._encrypt_phone = encryptor(PHONE_PURPOSE)
        self._hash_address = keyed_hasher(ADDRESS_PURPOSE)

    def read(self, path: Path) -> Iterator[UnitRow]:
        """Good rows as columns. Uses no database: they are asked for while others are being written."""
        ahead = 0
        for row, cells in read_table(path, COLUMNS, REQUIRED):
            self.n_rows += 1
            if row - self.n_rows != ahead:
                ahead = row - self.n_rows
                self._gaps.append(self.n_rows)
                self._ahead.append(ahead)
            try:
                yield self._unit(cells)
            except ValueError as error:
                self._bad.append((row, error))

    def explain(self) -> None:
        """Put the bad rows since the last call into words and pass them on."""
        for row, error in self._bad:
            text = str(error)
            self.refused.add(row, self._place_words(text) if isinstance(error, _UnknownPlace) else text)
        self._bad.clear()

    def row_of(self, position: int) -> int:
        """The row of the file, as Excel shows it, that has this position."""
        place = bisect_right(self._gaps, position)
        return position + (self._ahead[place - 1] if place else 0)

    def _unit(self, cells: dict[str, str]) -> UnitRow:
        """One row. Raises ValueError with the reason in words."""
        code, address = cells["community_code"], cells["address"]
        place = self._places.get(code)
        if place is None:
            raise _UnknownPlace(code)
        normalised = normalise_address(address)
        if not normalised:
            raise ValueError(_("没有地址"))
        kind = KINDS.get(cells.get("kind", "").lower())
        if kind is None:
            raise ValueError(_("户别“{kind}”应为家庭户或集体户").format(kind=cells["kind"][:20]))
        _check_texts(cells)
        opaque_id, salt, phone = str(uuid.uuid4()), urandom(SALT_BYTES), cells.get("phone", "")
        grid = cells.get("grid", "")
        return UnitRow(
            self.frame.pk,
            self.n_rows,
            opaque_id,
            place,
            self._grid(code, grid) if grid else None,
            cells.get("household_number", ""),
            kind == COLLECTIVE,
            self._encrypt_address(address),
            self._hash_address(normalised),
            self._encrypt_phone(phone) if phone else None,
            salt,
            commit_line(salt=salt, opaque_id=opaque_id, community_code=code, kind=kind, address=normalised),
        )

    def _grid(self, community_code: str, text: str) -> int:
        """A grid by its 15 digits, or by its three digits within the community."""
        code = text if len(text) == 15 else community_code + text.zfill(3)
        if not code.startswith(community_code) or code not in self._grids:
            raise ValueError(_("网格 {grid} 不在这个社区里，或还没有导入").format(grid=text[:20]))
        return self._grids[code]

    def _place_words(self, code: str) -> str:
        if not code:
            return _("没有社区代码")
        known = Region.objects.filter(code=code).first()
        if known is None:
            return _("社区代码 {code} 不在区划表里").format(code=code[:20])
        if known.level != Region.Level.COMMUNITY:
            return _("{code} 是{level}的代码，要填社区（村）的代码").format(
                code=code, level=known.get_level_display()
            )
        if known.valid_to is not None:
            return _("{name}（{code}）已经停用").format(name=known.name, code=code)
        return _("{name}（{code}）不在{region}").format(
            name=known.name, code=code, region=self.frame.region.name
        )


def _check_texts(cells: dict[str, str]) -> None:
    for column, limit in LIMITS.items():
        text = cells.get(column, "")
        if len(text) > limit:
            raise ValueError(_("{column}超过 {limit} 个字").format(column=COLUMNS[column][0], limit=limit))
        if "\n" in text:
            # A quotation mark without its pair swallows the rows that follow.
            raise ValueError(_("{column}里有换行：是不是引号没有成对").format(column=COLUMNS[column][0]))
        if "\x00" in text or "\ufffd" in text:
            raise ValueError(_("{column}里有乱码").format(column=COLUMNS[column][0]))
