"""Loads a city's division codes and its census margins. A file is taken whole or not at all."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.common.tables import read_table
from survey.regions.codes import LEVELS, CodeError, DivisionCode, level_of_word, parse_code
from survey.regions.models import PopulationMargin, Region

REGION_COLUMNS = {
    "code": ("区划代码", "统计用区划代码", "代码", "region_code"),
    "name": ("名称", "区划名称", "单位名称", "region_name"),
    "level": ("级别", "层级"),
    "parent_code": ("上级代码", "上级区划代码", "parent"),
    "urban_rural_code": ("城乡分类代码", "城乡分类"),
    "kind_from_code": ("类型", "kind"),
    "valid_from": ("启用日期",),
    "valid_to": ("停用日期", "撤销日期"),
    "successor_code": ("继任代码", "合并到", "successor"),
}
CENSUS_COLUMNS = {
    "variable": ("变量", "指标"),
    "category": ("类别", "分类"),
    "region_code": ("区划代码", "统计用区划代码"),
    "value": ("数值", "值"),
    "unit": ("单位",),
    "source": ("来源",),
    "verified_against": ("核对依据",),
    "note": ("备注", "说明"),
}
# 城乡分类代码 of the village level (same source as codes.py).
URBAN_RURAL_CODES = {"111", "112", "121", "122", "123", "210", "220"}
COMPARED = ("name", "kind_from_code", "urban_rural_code", "valid_from", "valid_to")
RENAMES_IN_AUDIT = 200
BATCH = 1000


@dataclass
class _Line:
    """One row of the file, parsed."""

    row: int
    code: DivisionCode
    values: dict[str, Any]
    successor: str


def refuse_rows(errors: list[dict[str, Any]], count: int | None = None) -> None:
    """Raise Problem common.rows_refused when there are errors ({"row", "reason"} each); `count` if more."""
    if errors:
        errors = sorted(errors, key=lambda error: error["row"])
        raise Problem(
            "common.rows_refused",
            errors=errors,
            count=count or len(errors),
            row=errors[0]["row"],
            reason=errors[0]["reason"],
        )


def import_regions(*, path: str | Path, acting_user: Actor) -> dict[str, int]:
    """Load a file of division codes: new ones are made, renamed ones updated, given end dates close them.

    Regions that the file does not name stay as they are. Running it twice changes nothing.

    Returns
    -------
    Counts: created, updated, unchanged, closed (closed ones are also counted under updated or created).

    Raises
    ------
    Problem common.rows_refused : every bad row with its reason; nothing of the file was taken.
    """
    with transaction.atomic():
        known = {region.path: region for region in Region.objects.all()}
        lines, errors = _read_regions(path, known)
        refuse_rows(errors)
        counts, renamed = _store_regions(lines, known)
        record(
            action="regions.file.imported",
            acting_user=acting_user,
            detail={
                "file": Path(path).name,
                **counts,
                "renamed": renamed[:RENAMES_IN_AUDIT],
                "n_renamed": len(renamed),
            },
        )
    return counts


def _read_regions(path: str | Path, known: dict[str, Region]) -> tuple[list[_Line], list[dict[str, Any]]]:
    lines: list[_Line] = []
    errors: list[dict[str, Any]] = []
    row_of: dict[str, int] = {}
    for row, cells in read_table(path, REGION_COLUMNS, required=["code", "name"]):
        try:
            line = _parse_line(row, cells)
            if line.code.code in row_of:
                raise ValueError(_("代码和第 {row} 行重复").format(row=row_of[line.code.code]))
        except ValueError as error:
            errors.append({"row": row, "reason": str(error)})
            continue
        row_of[line.code.code] = row
        lines.append(line)
    paths = known.keys() | {line.code.path for line in lines}
    codes = {region.code for region in known.values()} | row_of.keys()
    for line in lines:
        reason = _misplaced(line, paths, codes)
        if reason:
            errors.append({"row": line.row, "reason": reason})
    return lines, errors


def _misplaced(line: _Line, paths: Container[str], codes: Container[str]) -> str:
    """Why a line does not hang in the tree; "" when it does."""
    parent = line.code.parent_path
    if parent and parent not in paths:
        return _("没有它的上级（{code}），请把上级也写进文件").format(code=parent.ljust(12, "0"))
    if line.successor and line.successor not in codes:
        return _("继任代码 {code} 不存在").format(code=line.successor)
    return ""


def _parse_line(row: int, cells: dict[str, str]) -> _Line:
    """A row as values. Raises ValueError with the reason in words."""
    code = _parse_code(cells["code"])
    if not cells["name"]:
        raise ValueError(_("没有名称"))
    if len(cells["name"]) > 100:
        raise ValueError(_("名称超过 100 个字"))
    _check_level(cells.get("level", ""), code)
    stated_parent = cells.get("parent_code", "")
    if stated_parent and stated_parent.rstrip("0") != code.parent_path.rstrip("0"):
        raise ValueError(
            _("上级代码 {stated} 和代码不符，应为 {expected}").format(
                stated=stated_parent,
                expected=code.parent_path.ljust(12, "0") if code.parent_path else _("空"),
            )
        )
    urban_rural = cells.get("urban_rural_code", "")
    if urban_rural and urban_rural not in URBAN_RURAL_CODES:
        raise ValueError(_("城乡分类代码 {code} 不存在").format(code=urban_rural))
    values = {
        "name": cells["name"],
        "kind_from_code": (cells.get("kind_from_code", "") or code.kind)[:40],
        "urban_rural_code": urban_rural,
        "valid_from": _date(cells.get("valid_from", "")),
        "valid_to": _date(cells.get("valid_to", "")),
    }
    return _Line(row, code, values, cells.get("successor_code", ""))


def _parse_code(text: str) -> DivisionCode:
    try:
        return parse_code(text)
    except CodeError as error:
        reasons = {
            "digits": _("代码“{code}”里有数字以外的字符"),
            "length": _("代码“{code}”有 {n} 位，应为 12 位（网格为 15 位，且后三位不全为零）"),
            "hole": _("代码“{code}”中间缺了一级"),
        }
        raise ValueError(reasons[error.kind].format(code=text[:30], n=len(text.strip()))) from error


def _check_level(text: str, code: DivisionCode) -> None:
    if not text:
        return
    level = level_of_word(text)
    if level is None:
        raise ValueError(_("级别“{level}”看不懂").format(level=text[:20]))
    if level != code.level:
        raise ValueError(
            _("级别写的是“{stated}”，代码却是“{actual}”一级").format(
                stated=text, actual=Region.Level(code.level).label
            )
        )


def _date(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10].replace("/", "-"))
    except ValueError:
        raise ValueError(_("日期“{text}”请写成 2026-01-31 的样子").format(text=text[:20])) from None


def _store_regions(lines: list[_Line], known: dict[str, Region]) -> tuple[dict[str, int], list[list[str]]]:
    """Write the lines level by level, parents first. Returns the counts and [code, old name, new name]."""
    closed = [line for line in lines if line.values["valid_to"] and not _is_closed(known.get(line.code.path))]
    created: set[str] = set()
    changed: set[str] = set()
    renamed: list[list[str]] = []
    for level in LEVELS:
        fresh = []
        for line in (line for line in lines if line.code.level == level):
            region = known.get(line.code.path)
            if region is None:
                fresh.append(_new_region(line, known))
            elif fields := _apply(region, line):
                changed.add(region.path)
                if "name" in fields:
                    renamed.append([region.code, fields["name"], region.name])
        for region in Region.objects.bulk_create(fresh, batch_size=BATCH):
            known[region.path] = region
            created.add(region.path)
    Region.objects.bulk_update([known[path] for path in changed], COMPARED, batch_size=BATCH)
    updated = (changed | _link_successors(lines, known)) - created
    counts = {
        "created": len(created),
        "updated": len(updated),
        "unchanged": len(lines) - len(created) - len(updated),
        "closed": len(closed),
    }
    return counts, renamed


def _is_closed(region: Region | None) -> bool:
    return region is not None and region.valid_to is not None


def _new_region(line: _Line, known: dict[str, Region]) -> Region:
    parent = known[line.code.parent_path] if line.code.parent_path else None
    return Region(
        code=line.code.code, path=line.code.path, level=line.code.level, parent=parent, **line.values
    )


def _apply(region: Region, line: _Line) -> dict[str, Any]:
    """Take the line's values over into a known region. Cells left empty erase nothing.

    Returns the old values of the fields that changed.
    """
    old = {}
    for field in COMPARED:
        value, before = line.values[field], getattr(region, field)
        if value not in ("", None) and before != value:
            old[field] = before
            setattr(region, field, value)
    return old


def _link_successors(lines: list[_Line], known: dict[str, Region]) -> set[str]:
    """Point closed regions at their successors; returns the paths of those that changed."""
    by_code = {region.code: region for region in known.values()}
    linked = []
    for line in (line for line in lines if line.successor):
        region, successor = known[line.code.path], by_code[line.successor]
        if region.successor_id != successor.pk:
            region.successor = successor
            linked.append(region)
    Region.objects.bulk_update(linked, ["successor"], batch_size=BATCH)
    return {region.path for region in linked}


def import_census(*, path: str | Path, acting_user: Actor, source_year: int = 2020) -> int:
    """Load census margins (columns variable, category, region_code, value, unit, source …); idempotent.

    Returns the number of margins in the file. Raises Problem common.rows_refused like `import_regions`.
    """
    with transaction.atomic():
        ids = dict(Region.objects.values_list("code", "id"))
        margins: list[PopulationMargin] = []
        errors: list[dict[str, Any]] = []
        row_of: dict[tuple[str, str, str], int] = {}
        required = ["variable", "category", "region_code", "value", "source"]
        for row, cells in read_table(path, CENSUS_COLUMNS, required=required):
            key = (cells["region_code"], cells["variable"], cells["category"])
            try:
                if key in row_of:
                    raise ValueError(_("和第 {row} 行重复").format(row=row_of[key]))
                margins.append(_margin(cells, ids, source_year))
                row_of[key] = row
            except ValueError as error:
                errors.append({"row": row, "reason": str(error)})
        refuse_rows(errors)
        PopulationMargin.objects.bulk_create(
            margins,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["region", "source_year", "variable", "category"],
            update_fields=["value", "unit", "source", "note"],
        )
        record(
            action="regions.census.imported",
            acting_user=acting_user,
            detail={"file": Path(path).name, "margins": len(margins), "source_year": source_year},
        )
    return len(margins)


def _margin(cells: dict[str, str], ids: dict[str, int], source_year: int) -> PopulationMargin:
    if not cells["variable"] or not cells["category"]:
        raise ValueError(_("没有变量或类别"))
    if cells["region_code"] not in ids:
        raise ValueError(_("区划代码 {code} 还没有导入").format(code=cells["region_code"][:20]))
    try:
        value = float(cells["value"].replace(",", ""))
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value < 0:
        raise ValueError(_("数值“{value}”不是非负的数").format(value=cells["value"][:20]))
    if not cells["source"]:
        raise ValueError(_("没有写来源"))
    # A unit may carry a remark in brackets ("years (column …)"): the remark goes to the note.
    unit, _bracket, remark = cells.get("unit", "").partition(" (")
    parts = (remark.rstrip(")"), cells.get("note", ""), cells.get("verified_against", ""))
    note = "; ".join(filter(None, parts))
    for name, text, limit in (
        ("variable", cells["variable"], 60),
        ("category", cells["category"], 60),
        ("source", cells["source"], 300),
        ("unit", unit, 30),
        ("note", note, 500),
    ):
        if len(text) > limit:
            raise ValueError(_("{column} 超过 {limit} 个字").format(column=name, limit=limit))
    return PopulationMargin(
        region_id=ids[cells["region_code"]],
        source_year=source_year,
        variable=cells["variable"],
        category=cells["category"],
        value=value,
        unit=unit,
        source=cells["source"],
        note=note,
    )
