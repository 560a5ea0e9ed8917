"""Administrative regions by 统计用区划代码, their census margins, and the borders that somebody loaded."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class RegionQuerySet(models.QuerySet):
    """Rows of the region tree."""

    def within(self, path: str) -> "RegionQuerySet":
        """The region with this path and everything below it."""
        return self.filter(path__startswith=path)

    def current(self) -> "RegionQuerySet":
        """Regions that are not closed."""
        return self.filter(valid_to__isnull=True)

    def visible_to(self, user: Any) -> "RegionQuerySet":
        """Names and codes of regions are public; the rows are cut to the subtrees granted to the user."""
        return self.filter(user.region_filter("path"))


class Region(models.Model):
    """One division, from the province to a grid (网格) below a community.

    `path` is the significant digits of the code ("37", "3701", "370105", "370105001", "370105001201",
    then three more for a grid): a subtree is a prefix. Regions are never deleted: they are closed with a
    date and, where there is one, a successor.
    """

    class Level(models.TextChoices):
        PROVINCE = "province", _("省")
        CITY = "city", _("市")
        DISTRICT = "district", _("区县")
        STREET = "street", _("街道（镇）")
        COMMUNITY = "community", _("社区（村）")
        GRID = "grid", _("网格")

    code = models.CharField(max_length=18, unique=True)
    path = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=100)
    level = models.CharField(max_length=10, choices=Level.choices, db_index=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    urban_rural_code = models.CharField(max_length=3, blank=True)
    kind_from_code = models.CharField(max_length=40, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    successor = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = RegionQuerySet.as_manager()

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name


class PopulationMargin(models.Model):
    """One cell of the census for one region: variable "sex_x_age5", category "male|20-24", persons."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="margins")
    source_year = models.PositiveSmallIntegerField()
    variable = models.CharField(max_length=60)
    category = models.CharField(max_length=60)
    value = models.FloatField()
    unit = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=300)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "source_year", "variable", "category"], name="margin_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.region_id} {self.variable} {self.category}"


class BoundaryFileQuerySet(models.QuerySet):
    """Boundary files."""

    def shown(self) -> "BoundaryFileQuerySet":
        """Those that maps may be drawn from."""
        return self.filter(withdrawn_at__isnull=True)


class BoundaryFile(models.Model):
    """A file of borders as somebody loaded it, with the number under which its map was approved (审图号).

    No border is known otherwise: without such a file no page shows a map. Files are withdrawn, never deleted.
    """

    class Datum(models.TextChoices):
        CGCS2000 = "cgcs2000", _("CGCS2000 或 WGS-84（测绘部门的数据）")
        GCJ02 = "gcj02", _("GCJ-02（地图服务的偏移坐标）")
        UNKNOWN = "unknown", _("不清楚")

    name = models.CharField(max_length=200)
    approval_number = models.CharField(max_length=60)
    datum = models.CharField(max_length=10, choices=Datum.choices)
    content_hash = models.CharField(max_length=64)
    unmatched = models.JSONField(default=list)
    loaded_at = models.DateTimeField()
    loaded_by = models.CharField(max_length=150)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)

    objects = BoundaryFileQuerySet.as_manager()

    class Meta:
        ordering = ["-loaded_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.approval_number}"


class Boundary(models.Model):
    """One region's border in a file: closed rings of [longitude, latitude]."""

    file = models.ForeignKey(BoundaryFile, on_delete=models.PROTECT, related_name="boundaries")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="boundaries")
    rings = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "region"], name="boundary_once")]

    def __str__(self) -> str:
        return f"{self.file_id} {self.region_id}"
