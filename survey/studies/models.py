"""Studies and their rounds: who asks whom, why, with which questionnaire, under which consent."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.indicators.models import IndicatorVersion
from survey.questionnaires.models import QuestionnaireVersion
from survey.regions.models import Region


class StudyQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "StudyQuerySet":
        """Studies of the granted subtrees, and those of a larger region that such a subtree lies in."""
        condition = user.region_filter("region__path")
        for path in user.granted_paths():
            condition |= models.Q(region__path__in=[path[:n] for n in range(2, len(path) + 1)])
        return self.filter(condition)


class Study(models.Model):
    """One commissioned survey through its rounds."""

    title = models.CharField(max_length=200)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    # Where the study covers only parts of the region, e.g. two districts of the city.
    scope = models.ManyToManyField(Region, related_name="+")
    sponsor = models.CharField(max_length=200)  # 谁在问
    purpose = models.TextField()  # 为什么
    contact_phone = models.CharField(max_length=60)
    # 统计法: lawful forms carry 表号、制定机关、批准/备案文号、有效期 (privacy facts in docs/privacy.md)
    form_number = models.CharField(max_length=60, blank=True)
    approval_number = models.CharField(max_length=100, blank=True)
    approving_body = models.CharField(max_length=100, blank=True)
    approval_valid_until = models.DateField(null=True, blank=True)
    # 涉外调查管理办法: overseas involvement blocks export until the approval number is entered.
    has_overseas_party = models.BooleanField(default=False)
    population = models.TextField()
    min_age = models.PositiveSmallIntegerField(default=18)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.title


class ConsentText(models.Model):
    """One version of what a resident is told before the first question, in each language. Never edited."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="consent_texts")
    number = models.PositiveIntegerField()
    texts = (
        models.JSONField()
    )  # {"zh-hans": {"lead", "who", "why", "kept", "how_long", "rights", "voluntary", "full"}, …}
    text_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["study", "-number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="consent_text_once")]

    def __str__(self) -> str:
        return f"{self.study} consent v{self.number}"


class RoundQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "RoundQuerySet":
        """Rounds of the studies that the user may see."""
        return self.filter(study__in=Study.objects.visible_to(user))


class Round(models.Model):
    """One field period of a study. Pins the questionnaire, the indicators and the consent text."""

    class State(models.TextChoices):
        DRAFT = "draft", _("准备中")
        OPEN = "open", _("收卷中")
        CLOSED = "closed", _("已收完")

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    questionnaire_version = models.ForeignKey(
        QuestionnaireVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="rounds"
    )
    indicator_versions = models.ManyToManyField(IndicatorVersion, related_name="rounds", blank=True)
    consent_text = models.ForeignKey(
        ConsentText, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    modes = models.JSONField(default=list)  # ["web", "door"]
    contact_plan = models.JSONField(default=list)  # [{"step": "letter", "day": 0}, …]
    small_cell_floor = models.PositiveIntegerField(default=30)
    retention_until = models.DateField(null=True, blank=True)  # contact data destroyed after it
    is_simulated = models.BooleanField(default=False)
    is_training = models.BooleanField(default=False)
    opens_on = models.DateField(null=True, blank=True)
    closes_on = models.DateField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["-study__created_at", "-number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="round_once")]

    def __str__(self) -> str:
        return f"{self.study} · {self.name}"
