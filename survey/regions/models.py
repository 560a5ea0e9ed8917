"""Administrative regions by 统计用区划代码, and the census margins that answers are weighted to."""

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
