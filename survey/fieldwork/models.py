"""Who visits which door, by which rules; what a supervisor reviews, checks back and closes.

Visits themselves are Contacts of mode door. Whatever leads to a household (a place, a phone, a note) is
sealed and goes with the contact data at the round's retention date.
"""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.contacts.models import Contact
from survey.fieldwork.sync_models import Device as Device
from survey.fieldwork.sync_models import SealKey as SealKey
from survey.fieldwork.sync_models import SyncItem as SyncItem
from survey.regions.models import Region
from survey.responses.models import Attachment, Flag, Response
from survey.sampling.models import Case
from survey.studies.models import Round


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
    reason = models.CharField(max_length=200, blank=True, default="")  # why it changed hands
    order = models.PositiveIntegerField(null=True)  # place on the interviewer's way, from 1
    # A second try, by somebody else, at a household that refused: the door opens once more.
    is_conversion = models.BooleanField(default=False)

    class Meta:
        ordering = ["case", "-assigned_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(ended_at__isnull=True), name="one_interviewer_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case} → {self.interviewer}"


class FieldRules(models.Model):
    """A round's rules of contact, as data. A round without a row works by the defaults here.

    Defaults: at least four visits, as the European Social Survey's Specification for Participating Countries
    asks; two of them outside office hours.
    """

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="field_rules")
    min_attempts = models.PositiveSmallIntegerField(default=4, validators=[MinValueValidator(1)])
    min_off_hours = models.PositiveSmallIntegerField(default=2)  # of them evenings, weekends or holidays
    evening_from = models.PositiveSmallIntegerField(default=18, validators=[MaxValueValidator(23)])
    holidays = models.JSONField(default=list)  # ISO dates of public holidays
    workdays = models.JSONField(default=list)  # ISO dates of weekends that are worked (调休)
    # At most so many interviews of one interviewer in one community; empty: no limit.
    community_quota = models.PositiveSmallIntegerField(null=True)
    backcheck_share = models.FloatField(
        default=0.2, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)]
    )
    backcheck_min = models.PositiveSmallIntegerField(default=6)  # of each interviewer, if he has as many
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "field rules"

    def __str__(self) -> str:
        return f"{self.round} ≥ {self.min_attempts}"


class DoorClosing(models.Model):
    """A door left for good without an interview: by the contact rules, or by a supervisor with a reason."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="door_closings")
    disposition = models.CharField(max_length=10)  # AAPOR, as derived when it was closed
    attempts = models.PositiveSmallIntegerField()
    off_hours = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200, blank=True)  # of a door closed before the rules are met
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reopened_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(reopened_at__isnull=True), name="door_closed_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.disposition}"


class SafetyNote(models.Model):
    """What the next visitor should know to be safe. Sealed; shown at this door only."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="safety_notes")
    text_cipher = models.BinaryField()
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-written_at"]

    def __str__(self) -> str:
        return f"{self.case} {self.written_at:%Y-%m-%d}"


class VisitPlace(models.Model):
    """Where a visit or an interview was recorded, sealed: {"lat", "lng"} in degrees as the phone said."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="field_place")
    place_cipher = models.BinaryField()
    accuracy_m = models.FloatField(null=True)

    def __str__(self) -> str:
        return str(self.contact_id)


class CallbackPhone(models.Model):
    """A number that a household gave to be called back. Its keyed hash finds one number given twice."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="callback_phones")
    phone_cipher = models.BinaryField()
    phone_hash = models.CharField(max_length=64, db_index=True)
    given_at = models.DateTimeField()
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "phone_hash"], name="callback_phone_once")]

    def __str__(self) -> str:
        return str(self.case)


class DoorPhoto(models.Model):
    """Fingerprint of a door's picture: alike pictures differ in few of its 64 bits."""

    attachment = models.OneToOneField(Attachment, on_delete=models.CASCADE, related_name="door_photo")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="door_photos")
    fingerprint = models.CharField(max_length=16)  # hex
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return self.fingerprint


class VisitPhoto(models.Model):
    """A door's picture taken at a visit without an interview: sealed, with the same kind of fingerprint."""

    id = models.UUIDField(primary_key=True)  # made by the phone
    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="field_photo")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="visit_photos")
    content_cipher = models.BinaryField()
    content_type = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=16)  # hex
    taken_at = models.DateTimeField()
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return self.fingerprint


class FlagSubject(models.Model):
    """Whom or what a flag of the field is about; the key keeps one doubt from being raised twice."""

    flag = models.OneToOneField(Flag, on_delete=models.CASCADE, related_name="subject")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    interviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Smallest region that holds what it is about: whoever supervises there may see it.
    region = models.ForeignKey(Region, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)  # of whoever settled it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "key"], name="flag_subject_once")]

    def __str__(self) -> str:
        return self.key


class ReviewQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "ReviewQuerySet":
        """Those of answers that the user may see, and an interviewer's own."""
        return self.filter(
            models.Q(response__in=Response.objects.visible_to(user)) | models.Q(response__interviewer=user)
        )

    def waiting(self) -> "ReviewQuerySet":
        """Returned to the interviewer and not yet mended."""
        return self.filter(verdict=Review.Verdict.RETURNED, answered_at__isnull=True)


class Review(models.Model):
    """A supervisor's word on an interview. Words add up to a history; none is edited."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", _("通过")
        RETURNED = "returned", _("退回修改")
        REJECTED = "rejected", _("作废")

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="reviews")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    comment = models.CharField(max_length=500, blank=True)
    items = models.JSONField(default=list)  # names of the items to look at again
    reviewed_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # When a returned interview came back mended, and as which revision.
    answered_at = models.DateTimeField(null=True)
    answered_with = models.ForeignKey(Response, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["reviewed_at", "pk"]

    def __str__(self) -> str:
        return f"{self.response_id} {self.verdict}"


class BackCheckDraw(models.Model):
    """One random choice of interviews to check. The seed repeats it."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="backcheck_draws")
    number = models.PositiveIntegerField()
    seed = models.CharField(max_length=64)
    algorithm = models.CharField(max_length=30, default="minyi-backcheck-1")
    share = models.FloatField()
    minimum = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200, blank=True)  # of a further draw from one interviewer
    drawn_at = models.DateTimeField()
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["round", "number"]
        constraints = [models.UniqueConstraint(fields=["round", "number"], name="backcheck_draw_once")]

    def __str__(self) -> str:
        return f"{self.round} {self.number}"


class BackCheckQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "BackCheckQuerySet":
        """For those who may see the household: whoever checks calls or visits it."""
        return self.filter(response__case__in=Case.objects.visible_to(user).values("opaque_id"))


class BackCheck(models.Model):
    """One interview to be checked with the household, and what it said."""

    class Mode(models.TextChoices):
        PHONE = "phone", _("电话")
        VISIT = "visit", _("上门")

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", _("属实")
        MISMATCH = "mismatch", _("不属实")
        UNREACHED = "unreached", _("没联系上")

    draw = models.ForeignKey(BackCheckDraw, on_delete=models.PROTECT, related_name="checks")
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="backchecks")
    interviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=5, choices=Mode.choices, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    # {"was_asked", "right_person", "all_asked": bool, "compared": n items asked again, "agreed": n the same}
    findings = models.JSONField(default=dict)
    note_cipher = models.BinaryField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = BackCheckQuerySet.as_manager()

    class Meta:
        ordering = ["draw", "interviewer", "pk"]
        constraints = [models.UniqueConstraint(fields=["response"], name="backcheck_once")]

    def __str__(self) -> str:
        return f"{self.response_id} {self.outcome}"


class PriorityList(models.Model):
    """Where the next visit helps representativeness most. From frame and paradata only, frozen."""

    round = models.OneToOneField(Round, on_delete=models.PROTECT, related_name="priority_list")
    rule = models.JSONField()  # the rule with its numbers and the model that was fitted
    list_hash = models.CharField(max_length=64)
    frozen_at = models.DateTimeField()
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.round} {self.list_hash[:8]}"


class CasePriority(models.Model):
    """One case's place in the list. Class 1 comes first."""

    list = models.ForeignKey(PriorityList, on_delete=models.PROTECT, related_name="cases")
    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="field_priority")
    propensity = models.FloatField()  # to respond, as expected before the field
    group = models.CharField(max_length=60)  # the stratum of the R-indicator
    priority_class = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name_plural = "case priorities"
        indexes = [models.Index(fields=["list", "priority_class"])]

    def __str__(self) -> str:
        return f"{self.case} {self.priority_class}"


class FieldOutcome(models.Model):
    """A closed field's outcome: counts by AAPOR class, e and every rate, as they stood, for good."""

    round = models.OneToOneField(Round, on_delete=models.PROTECT, related_name="field_outcome")
    outcome = models.JSONField()  # {"standard", "counts", "e", "e_rule", "rates", "n_cases", "by_street"}
    outcome_hash = models.CharField(max_length=64)
    frozen_at = models.DateTimeField()
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.round} {self.outcome_hash[:8]}"
