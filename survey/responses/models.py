"""Answers, and the consent they rest on. An answer knows its case only by the case's opaque id."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.contacts.models import SelectedPerson
from survey.questionnaires.models import QuestionnaireVersion
from survey.regions.models import Region
from survey.sampling.models import Case
from survey.studies.models import ConsentText, Round


class Respondent(models.Model):
    """A device or a WeChat identity that answers: only keyed hashes, never the openid itself.

    A letter's code opens the door; saved answers open only to the same device secret or identity.
    """

    # Stands in the address of the resident's pages. It opens nothing without the device's secret.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="respondents")
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="respondents")
    channel = models.CharField(max_length=10)  # wechat, browser, door
    identity_hash = models.CharField(max_length=64, blank=True, db_index=True)  # keyed hash of the openid
    device_hash = models.CharField(
        max_length=64, blank=True, db_index=True
    )  # keyed hash of the device's secret
    # Who was chosen on this device; two phones of one household may list it differently.
    selected_person = models.ForeignKey(
        SelectedPerson, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.channel} {self.pk}"

    @property
    def needs_identity(self) -> bool:
        """Whether the resident came through WeChat and has not come back from its log-in yet."""
        return self.channel == "wechat" and not self.identity_hash


class Consent(models.Model):
    """That somebody agreed, to which text, when."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="consents")
    respondent = models.ForeignKey(Respondent, null=True, on_delete=models.SET_NULL, related_name="consents")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="consents")
    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=10)
    mode = models.CharField(max_length=8)
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["given_at"]

    def __str__(self) -> str:
        return f"consent {self.pk}"


class ResponseQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "ResponseQuerySet":
        """Single answers are for the team; officials get tables only."""
        return self.filter(
            user.region_filter("region__path", "administrator", "study_lead", "supervisor", "analyst")
        )

    def counted(self) -> "ResponseQuerySet":
        """The newest revision of each response that stands: what estimates are made of."""
        return self.filter(state=Response.State.ACCEPTED, superseded_by__isnull=True)


class Response(models.Model):
    """One completed questionnaire. A correction is a new revision; a withdrawal leaves a tombstone."""

    class SampleKind(models.TextChoices):
        PROBABILITY = "probability", _("概率样本")
        VOLUNTEER = "volunteer", _("自愿样本")

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("有效")
        REJECTED = "rejected", _("退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Mode(models.TextChoices):
        WEB = "web", _("网页")
        DOOR = "door", _("上门")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    client_id = models.UUIDField(unique=True)  # made by the phone: the same id twice is the same response
    content_hash = models.CharField(max_length=64)  # of the body as first received
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="responses")
    # Identity and answers are kept apart: the column holds the case's opaque id and nothing else of it.
    case = models.ForeignKey(
        Case,
        null=True,
        on_delete=models.PROTECT,
        related_name="responses",
        to_field="opaque_id",
        db_column="case_opaque_id",
    )
    respondent = models.ForeignKey(Respondent, null=True, on_delete=models.SET_NULL, related_name="responses")
    consent = models.ForeignKey(Consent, null=True, on_delete=models.PROTECT, related_name="responses")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    sample_kind = models.CharField(max_length=12, choices=SampleKind.choices)
    mode = models.CharField(max_length=8, choices=Mode.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    questionnaire_version = models.ForeignKey(
        QuestionnaireVersion, on_delete=models.PROTECT, related_name="+"
    )
    language = models.CharField(max_length=10)
    answers = models.JSONField(default=dict)
    open_text_cipher = models.BinaryField(null=True)  # open answers are personal data
    path = models.JSONField(default=list)  # items shown, in order
    paradata = models.JSONField(default=dict)
    selected_person = models.ForeignKey(SelectedPerson, null=True, on_delete=models.PROTECT, related_name="+")
    person_probability = models.FloatField(null=True)
    revision = models.PositiveIntegerField(default=1)
    superseded_by = models.OneToOneField(
        "self", null=True, on_delete=models.SET_NULL, related_name="supersedes"
    )
    interviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    submitted_at = models.DateTimeField()  # the phone's clock
    received_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawal_reason = models.CharField(max_length=200, blank=True)

    objects = ResponseQuerySet.as_manager()

    class Meta:
        ordering = ["received_at"]
        constraints = [
            # Two phones of one household at the same moment: one answer stands, whatever the timing.
            models.UniqueConstraint(
                fields=["case"],
                condition=models.Q(state="accepted", superseded_by__isnull=True, case__isnull=False),
                name="one_standing_response_per_case",
            ),
        ]
        indexes = [models.Index(fields=["round", "state"])]

    def __str__(self) -> str:
        return str(self.id)


class SavedDraft(models.Model):
    """Answers on their way: what the phone saved at the end of a block. Gone once the questionnaire is in.

    Everything that was answered is in the ciphertext: a draft has no columns to count.
    """

    client_id = models.UUIDField(primary_key=True)  # the response's own, made by the phone
    respondent = models.ForeignKey(Respondent, on_delete=models.CASCADE, related_name="drafts")
    sequence = models.PositiveIntegerField()  # the phone's own count: a late older save changes nothing
    document_hash = models.CharField(max_length=64)
    content_cipher = models.BinaryField()
    saved_at = models.DateTimeField()  # the phone's clock
    received_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.client_id)


class Attachment(models.Model):
    """A photo or a signature: encrypted, with retention. It waits without a response until one names it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)  # made by the phone
    response = models.ForeignKey(Response, null=True, on_delete=models.CASCADE, related_name="attachments")
    respondent = models.ForeignKey(
        Respondent, null=True, on_delete=models.SET_NULL, related_name="attachments"
    )
    item = models.CharField(max_length=64)
    content_cipher = models.BinaryField()
    content_type = models.CharField(max_length=60)
    content_hash = models.CharField(max_length=64)  # SHA-256 of what the phone sent
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.response_id} {self.item}"


class QuotaCount(models.Model):
    """How many volunteers' answers a quota of the round's questionnaire has taken."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="quota_counts")
    name = models.CharField(max_length=64)
    taken = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "name"], name="quota_count_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.taken}"


class OpenTextReview(models.Model):
    """A person's reading of one open answer before anybody sees it in a report.

    Cleared: may be quoted as it stands. Redacted: only the mended wording. Withheld: not at all.
    """

    class Verdict(models.TextChoices):
        CLEARED = "cleared", _("可以引用")
        REDACTED = "redacted", _("隐去后可以引用")
        WITHHELD = "withheld", _("不引用")

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="text_reviews")
    item = models.CharField(max_length=120)  # of a repeat group: "family[2].job"
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    wording_cipher = models.BinaryField(null=True)  # what may be quoted, when redacted
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["response", "item"], name="open_text_review_once")]

    def __str__(self) -> str:
        return f"{self.response_id} {self.item} {self.verdict}"


class Flag(models.Model):
    """A doubt with its evidence. 疑点不是结论: a person decides."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="flags")
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="flags")
    response = models.ForeignKey(Response, null=True, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=40)  # one_openid_many_cases, …
    evidence = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    verdict = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class DataRequest(models.Model):
    """A resident's request to see or delete what is kept about her, and what was done (PIPL arts 44–47)."""

    class Kind(models.TextChoices):
        ACCESS = "access", _("查阅")
        DELETION = "deletion", _("删除")

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="data_requests")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="data_requests")
    respondent = models.ForeignKey(
        Respondent, null=True, on_delete=models.SET_NULL, related_name="data_requests"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    received_at = models.DateTimeField()
    due_on = models.DateField()  # within 15 working days
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.received_at:%Y-%m-%d}"
