"""Weights, runs and reports: what was computed, from what, and what was published."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.jobs.models import Job
from survey.responses.models import Response
from survey.studies.models import Round


class WeightRecipe(models.Model):
    """The steps from base weight to final weight, frozen: a run names the recipe it used."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="weight_recipes")
    number = models.PositiveIntegerField()
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["round", "-number"]
        constraints = [models.UniqueConstraint(fields=["round", "number"], name="weight_recipe_once")]

    def __str__(self) -> str:
        return f"{self.round} recipe {self.number}"


class Snapshot(models.Model):
    """What a run was computed from, as a Parquet file: one row per released case and per volunteer.

    No name, address or open text is in it. The file goes when an answer in it is withdrawn (design.md); the
    row with its hashes stays.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="snapshots")
    content_hash = models.CharField(max_length=64)  # of the columns, the same on every machine
    file_hash = models.CharField(max_length=64)  # SHA-256 of the file's bytes
    file = models.CharField(max_length=300, blank=True)  # under MEDIA_ROOT; empty once removed
    columns = models.JSONField(default=dict)  # {column: type}
    n_cases = models.PositiveIntegerField()
    n_responses = models.PositiveIntegerField()
    n_volunteers = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    removal_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.round_id} {self.content_hash[:12]}"


class RunQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "RunQuerySet":
        """Unpublished figures are for the team."""
        return self.filter(
            user.region_filter("round__study__region__path", "administrator", "study_lead", "analyst")
        )


class Run(models.Model):
    """One computation of every figure of a round, reproducible from its input hashes."""

    class State(models.TextChoices):
        RUNNING = "running", _("计算中")
        DONE = "done", _("完成")
        FAILED = "failed", _("失败")
        CANCELLED = "cancelled", _("已取消")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="runs")
    recipe = models.ForeignKey(WeightRecipe, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.SET_NULL, related_name="runs")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    inputs = models.JSONField(default=dict)  # hashes of snapshot, questionnaire, indicators, recipe, draw
    document = models.JSONField(default=dict)  # every estimate with error, base, method
    document_hash = models.CharField(max_length=64, blank=True)
    signature = models.JSONField(default=dict)  # Ed25519 over the document (survey.reports.signatures)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.id)


class RunPart(models.Model):
    """A finished part of a run that is still being computed: a repeated job starts from here."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=120)
    content = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="run_part_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name}"


class ExternalScore(models.Model):
    """A score of a place that no resident gave, e.g. of a field inspection, for composite indicators.

    `se` is its own standard error where it has one; without, its part of a composite counts as known.
    """

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="external_scores")
    code = models.SlugField(max_length=60)  # "inspection"
    domain = models.CharField(max_length=40)  # a domain key of the document: "all", a region's code
    value = models.FloatField()  # 0–100
    se = models.FloatField(null=True, blank=True)
    source = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["round", "code", "domain"]
        constraints = [
            models.UniqueConstraint(fields=["round", "code", "domain"], name="external_score_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.domain} {self.value}"


class ResponseWeight(models.Model):
    """The weight passport of one response in one run: each factor, in order, and the product."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="weights")
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="+")
    factors = models.JSONField()  # [{"step", "factor"} …]
    weight = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "response"], name="weight_once")]

    def __str__(self) -> str:
        return f"{self.response_id} {self.weight:.3f}"


class ReportQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "ReportQuerySet":
        """The team sees drafts; everybody else only what is published, in regions that touch the grant."""
        team = user.region_filter("round__study__region__path", "administrator", "study_lead", "analyst")
        published = models.Q(state=Report.State.PUBLISHED) & (
            user.region_filter("round__study__region__path")
            | models.Q(
                round__study__region__path__in=[
                    p[:n] for p in user.granted_paths() for n in range(2, len(p) + 1)
                ]
            )
        )
        return self.filter(team | published)


class Report(models.Model):
    """What officials read. Edited never: withdrawn and replaced."""

    class State(models.TextChoices):
        DRAFT = "draft", _("未发布")
        PUBLISHED = "published", _("已发布")
        WITHDRAWN = "withdrawn", _("已撤回")

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="reports")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reports")
    number = models.CharField(max_length=30, unique=True)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    document = models.JSONField()
    document_hash = models.CharField(max_length=64)
    signature = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawal_reason = models.CharField(max_length=300, blank=True)
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replaces")

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.number


class SimulatedTruth(models.Model):
    """The true figures of a simulated round, shown beside the estimates. Real rounds have none."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="simulated_truth")
    values = models.JSONField()  # {indicator code: {region code: value}}
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"truth of {self.round}"
