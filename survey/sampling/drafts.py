"""What a team has typed into the sampling wizard and not yet settled: kept, so that nothing is lost."""

from typing import Any

from django.conf import settings
from django.db import models

from survey.studies.models import Round


class PlanDraftQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "PlanDraftQuerySet":
        """As the designs that come of them: the team only."""
        return self.filter(
            user.region_filter(
                "round__study__region__path", "administrator", "study_lead", "supervisor", "analyst"
            )
        )


class PlanDraft(models.Model):
    """One round's answers to the wizard, as typed, by step; and the last forecast made from them.

    `answers`: {"population" | "precision" | "design": {field: text or list of texts}}; may be wrong, since a
    person may leave half-way. `forecast`: {"key": hash of what it was computed from, "rows": […]}.
    """

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="plan_draft")
    answers = models.JSONField(default=dict)
    forecast = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = PlanDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.round} plan"
