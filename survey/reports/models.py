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

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="runs")
    recipe = models.ForeignKey(WeightRecipe, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    inputs = models.JSONField(default=dict)  # hashes of snapshot, questionnaire, indicators, recipe, draw
    document = models.JSONField(default=dict)  # every estimate with error, base, method
    document_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.id)


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
