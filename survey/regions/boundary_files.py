"""Takes in boundary files with their 审图号, and withdraws them. A file is taken whole or not at all."""

import hashlib
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now, today
from survey.common.errors import Problem
from survey.regions.boundaries import BoundaryError, Shape, check_approval_number, read_boundaries
from survey.regions.models import Boundary, BoundaryFile, Region

SHOWN_ERRORS = 100


def load_boundaries(
    *,
    name: str,
    content: bytes,
    approval_number: str,
    datum: str,
    within: Collection[str],
    acting_user: Actor,
) -> BoundaryFile:
    """Keep the borders of a GeoJSON file, matched to regions by their 统计用区划代码.

    Features whose code no region has are not kept; they are listed in the file's `unmatched`.

    Parameters
    ----------
    approval_number : 审图号. 地图管理条例 (State Council decree 664, 2015) wants it shown on every map.
    datum : a value of `BoundaryFile.Datum`, as whoever brings the file says.
    within : paths of the subtrees whose borders the acting user may load.

    Raises
    ------
    Problem common.invalid : no or an implausible 审图号, or the same file is shown already.
    Problem common.bad_file : it cannot be read, or no code matches.
    Problem regions.boundaries_refused : features that cannot stand, each with its number and the reason.
    """
    try:
        number = check_approval_number(approval_number, this_year=today().year)
    except BoundaryError as error:
        raise Problem("common.invalid", reason=f"{_words(error)}。") from None
    try:
        shapes, errors = read_boundaries(content)
    except BoundaryError as error:
        raise Problem("common.bad_file", reason=_words(error)) from None
    known = Region.objects.in_bulk([shape.code for shape in shapes], field_name="code")
    matched = [shape for shape in shapes if shape.code in known]
    errors += [
        (shape.number, BoundaryError("not_yours", name=known[shape.code].name))
        for shape in matched
        if not any(known[shape.code].path.startswith(path) for path in within)
    ]
    _refuse(errors)
    if not matched:
        example = shapes[0].code
        raise Problem(
            "common.bad_file",
            reason=_("没有一个图形的区划代码和已导入的区划对得上，例如 {code}").format(code=example),
        )
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        if BoundaryFile.objects.shown().filter(content_hash=digest, approval_number=number).exists():
            raise Problem("common.invalid", reason=_("这个文件已经收过，正在用。"))
        return _store(name, number, datum, digest, shapes, known, acting_user)


def _store(
    name: str,
    number: str,
    datum: str,
    digest: str,
    shapes: list[Shape],
    known: dict[str, Region],
    acting_user: Actor,
) -> BoundaryFile:
    unmatched = [
        {"number": shape.number, "code": shape.code, "name": shape.name}
        for shape in shapes
        if shape.code not in known
    ]
    file = BoundaryFile.objects.create(
        name=name[:200],
        approval_number=number,
        datum=datum,
        content_hash=digest,
        unmatched=unmatched,
        loaded_at=now(),
        loaded_by=str(acting_user),
    )
    Boundary.objects.bulk_create(
        [
            Boundary(file=file, region=known[shape.code], rings=shape.rings)
            for shape in shapes
            if shape.code in known
        ],
        batch_size=200,
    )
    record(
        action="regions.boundaries.loaded",
        acting_user=acting_user,
        target=file,
        detail={
            "file": file.name,
            "approval_number": number,
            "hash": digest,
            "matched": len(shapes) - len(unmatched),
            "unmatched": len(unmatched),
        },
    )
    return file


def withdraw_boundaries(*, file: BoundaryFile, acting_user: Actor) -> None:
    """No map is drawn from this file any more; twice is once."""
    with transaction.atomic():
        changed = BoundaryFile.objects.shown().filter(pk=file.pk)
        if not changed.update(withdrawn_at=now(), withdrawn_by=str(acting_user)):
            return
        record(
            action="regions.boundaries.withdrawn",
            acting_user=acting_user,
            target=file,
            detail={"approval_number": file.approval_number, "hash": file.content_hash},
        )


def _refuse(errors: list[tuple[int, BoundaryError]]) -> None:
    if not errors:
        return
    told: list[dict[str, Any]] = [
        {"number": number, "reason": _words(error)} for number, error in sorted(errors, key=lambda e: e[0])
    ]
    raise Problem("regions.boundaries_refused", errors=told[:SHOWN_ERRORS], count=len(told), **told[0])


def _words(error: BoundaryError) -> str:
    return _sentences()[error.kind].format(**error.values)


def _sentences() -> dict[str, str]:
    return {
        "no_number": _("请填审图号：没有审图号的地图不能给人看"),
        "odd_number": _(
            "“{number}”不像审图号，应是“鲁S(2024)001号”“GS(2024)0001号”的样子，请照地图上印的抄全"
        ),
        "number_year": _("审图号里的年份 {year} 不对，请照地图上印的再核对一遍"),
        "too_large": _("文件超过 {most} MB，请先用地图软件把边界简化"),
        "too_many_points": _("边界点超过 {most} 个，请先用地图软件简化"),
        "not_utf8": _("文字编码不是 UTF-8"),
        "not_json": _("它不是 GeoJSON：内容不完整，或不是 JSON"),
        "not_geojson": _("它不是 GeoJSON 的图形集（FeatureCollection）；Shapefile 请先转换"),
        "no_features": _("里面一个图形也没有"),
        "other_system": _("坐标系是“{name}”，只收经纬度，请先转成 CGCS2000 或 WGS-84 的经纬度"),
        "no_feature": _("它不是图形（Feature）"),
        "no_code": _("没有区划代码，属性名应是其中之一：{names}"),
        "odd_code": _("区划代码“{code}”不全是数字"),
        "same_code": _("区划代码 {code} 和第 {other} 个图形重复"),
        "no_polygon": _("它不是面（是“{found}”），只收 Polygon 和 MultiPolygon"),
        "empty_polygon": _("它是空的，没有边界点"),
        "short_ring": _("有一圈边界不足四个点"),
        "open_ring": _("有一圈边界没有闭合，首尾应是同一点"),
        "odd_point": _("有一个点的坐标不是两个数"),
        "metres": _("坐标（{x}, {y}）像是米，只收经纬度，请先转换"),
        "swapped": _("坐标（{x}, {y}）的经度和纬度写反了，应先经度、后纬度"),
        "abroad": _("坐标（{x}, {y}）不在中国境内"),
        "not_yours": _("“{name}”不在您管的范围里"),
    }
