"""Who visits which door. Visits themselves are Contacts of mode door."""

from django.conf import settings
from django.db import models

from survey.sampling.models import Case


class Assignment(models.Model):
    """A case in an interviewer's hands, from a moment to another."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="assignments")
    interviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments"
    )
    assigned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["case", "-assigned_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(ended_at__isnull=True), name="one_interviewer_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case} → {self.interviewer}"
