"""How a household is reached: its letter's codes, every contact, its roster, and the person chosen."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.jobs.models import Job
from survey.sampling.models import Case
from survey.studies.models import Round


class LetterBatchQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "LetterBatchQuerySet":
        """Letters hold addresses and codes: for those who send them, of studies wholly in their subtree."""
        return self.filter(user.region_filter("round__study__region__path", "administrator", "study_lead"))


class LetterBatch(models.Model):
    """One printing of letters. A reprint replaces the codes of its cases."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="letter_batches")
    step = models.CharField(max_length=30, default="letter")
    # The folder under MEDIA_ROOT with its sealed parts; empty once they were removed after printing.
    file = models.CharField(max_length=300, blank=True)
    n_parts = models.PositiveIntegerField(default=0)
    n_letters = models.PositiveIntegerField(default=0)
    unprintable = models.JSONField(default=list)  # names with characters the font cannot draw
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LetterBatchQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.round} {self.step} {self.created_at:%Y-%m-%d}"


class ContactPlanQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "ContactPlanQuerySet":
        """For those who send letters and messages, of studies in their subtree."""
        return self.filter(user.region_filter("round__study__region__path", "administrator", "study_lead"))


class ContactPlan(models.Model):
    """One version of how a round reaches its households: steps with their day, modes and words.

    The newest version holds. None is edited; none is added once the field has begun (see contacts.plan).
    """

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="contact_plans")
    number = models.PositiveIntegerField()
    steps = models.JSONField()  # [{"step", "day", "modes", "wechat": {"channels", "text", …}}, …]
    quiet_from = models.TimeField()  # no message from then …
    quiet_to = models.TimeField()  # … to then, in the installation's time zone
    paused_at = models.DateTimeField(null=True)  # everything stands still while it is set
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ContactPlanQuerySet.as_manager()

    class Meta:
        ordering = ["round", "-number"]
        constraints = [models.UniqueConstraint(fields=["round", "number"], name="contact_plan_once")]

    def __str__(self) -> str:
        return f"{self.round} plan {self.number}"


class HouseholdCode(models.Model):
    """A letter's code, as a keyed hash only: the QR's 128 random bits, or the 12 typed characters."""

    class Kind(models.TextChoices):
        QR = "qr", _("二维码")
        TYPED = "typed", _("手输码")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="codes")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    code_hash = models.CharField(max_length=64, unique=True)
    batch = models.ForeignKey(LetterBatch, null=True, on_delete=models.SET_NULL, related_name="codes")
    issued_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["case", "kind"])]

    def __str__(self) -> str:
        return f"{self.case} {self.kind}"


class Contact(models.Model):
    """One contact of any mode with its disposition (AAPOR). Written once, when it happened."""

    class Mode(models.TextChoices):
        LETTER = "letter", _("信")
        WEB = "web", _("网页")
        WECHAT = "wechat", _("微信")
        DOOR = "door", _("上门")
        PHONE = "phone", _("电话")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="contacts")
    mode = models.CharField(max_length=8, choices=Mode.choices)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    disposition = models.CharField(max_length=10, blank=True)  # AAPOR code, e.g. "1.1"
    detail = models.JSONField(default=dict)  # present persons, next appointment, delivery result …
    note_cipher = models.BinaryField(null=True)
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["case", "at"]
        indexes = [models.Index(fields=["case", "mode"])]

    def __str__(self) -> str:
        return f"{self.case} {self.mode} {self.disposition}"


class HouseholdRoster(models.Model):
    """The household's eligible adults as listed. Locked before the choice; an edit after it is flagged."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="rosters")
    number = models.PositiveIntegerField(default=1)
    members_cipher = models.BinaryField()  # [{"label", "sex", "age"} …] in the locked order
    n_eligible = models.PositiveIntegerField()
    roster_hash = models.CharField(max_length=64)
    locked_at = models.DateTimeField()
    changed_after_choice = models.BooleanField(default=False)
    change_reason = models.CharField(max_length=300, blank=True)
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="roster_once")]

    def __str__(self) -> str:
        return f"{self.case} roster {self.number}"


class SelectedPerson(models.Model):
    """Who is asked in a household, by which method, with which probability."""

    class Method(models.TextChoices):
        UNIFORM = "uniform", _("名单上等概率抽一人")
        NEXT_BIRTHDAY = "next_birthday", _("生日最近的一位（准随机）")
        KISH = "kish", _("基什表")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="selections")
    roster = models.ForeignKey(HouseholdRoster, null=True, on_delete=models.PROTECT, related_name="+")
    method = models.CharField(max_length=14, choices=Method.choices)
    n_eligible = models.PositiveIntegerField()
    chosen_index = models.PositiveIntegerField(null=True)  # 1-based place in the locked roster
    probability = models.FloatField()
    is_quasi_random = models.BooleanField(default=False)
    selected_at = models.DateTimeField()

    class Meta:
        ordering = ["case", "selected_at"]

    def __str__(self) -> str:
        return f"{self.case} {self.method}"
