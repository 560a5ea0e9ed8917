"""Indicators as data: what a figure is made of, by which rule. A published version never changes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Indicator(models.Model):
    """A figure through its versions: 满意率, 满意度得分, 获得感 …"""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name


class IndicatorVersion(models.Model):
    """One rule: items, scoring, denominator, target."""

    class Kind(models.TextChoices):
        MEAN_SCORE = "mean_score", _("得分")
        SHARE = "share", _("比例")
        COMPOSITE = "composite", _("合成")

    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # {"items": [{"name", "points": {code: 0–100}} …], "top_codes", "excluded_codes", "min_valid"}, or of a
    # composite {"components": [{"indicator" or "external": code, "weight"} …]}
    definition = models.JSONField()
    definition_hash = models.CharField(max_length=64)
    target = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["indicator", "-number"]
        constraints = [models.UniqueConstraint(fields=["indicator", "number"], name="indicator_version_once")]

    def __str__(self) -> str:
        return f"{self.indicator} v{self.number}"
