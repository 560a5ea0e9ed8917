"""Answers, and the consent they rest on. An answer knows its case only by the case's opaque id."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
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
    # A volunteer has no case: where the poster hangs that she scanned.
    region = models.ForeignKey(Region, null=True, on_delete=models.PROTECT, related_name="+")
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


class VolunteerAnswer(models.Model):
    """That an identity has answered a round as a volunteer: one per openid and round."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="volunteer_answers")
    identity_hash = models.CharField(max_length=64)
    response = models.OneToOneField(Response, on_delete=models.CASCADE, related_name="volunteer")
    pattern_hash = models.CharField(max_length=64)  # of the answers alone, to find the same ones again

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "identity_hash"], name="one_volunteer_answer_per_identity"
            )
        ]
        indexes = [models.Index(fields=["round", "pattern_hash"])]

    def __str__(self) -> str:
        return f"volunteer {self.pk}"


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


class OpenTextQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "OpenTextQuerySet":
        """Answers that stand, in the reader's regions: all of them for who reviews, the cleared ones for who
        only codes. Each row has its `verdict`, None where nobody has read it."""
        cleared = (OpenTextReview.Verdict.CLEARED, OpenTextReview.Verdict.REDACTED)
        where = "response__region__path"
        reads = user.region_filter(where, "administrator", "study_lead", "text_reviewer")
        codes = user.region_filter(where, "analyst") & Q(verdict__in=cleared)
        return self.standing().filter(reads | codes)

    def standing(self) -> "OpenTextQuerySet":
        """Of responses that count: withdrawn, rejected and corrected ones have no open answers."""
        review = OpenTextReview.objects.filter(response=OuterRef("response"), item=OuterRef("place"))
        counted = {"response__state": Response.State.ACCEPTED, "response__superseded_by__isnull": True}
        return self.filter(**counted).annotate(verdict=Subquery(review.values("verdict")))


class OpenText(models.Model):
    """Where one open answer is, not what it says: the queue of its readers. The wording stays encrypted."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="open_texts")
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="open_texts")
    item = models.CharField(max_length=64)
    place = models.CharField(max_length=120)  # of a repeat group: "family[2].job"
    # Keyed hash of response and place: the order of reading says nothing of when or where it was answered,
    # and the first of them are a random sample that nobody could pick.
    shuffle = models.CharField(max_length=64)

    objects = OpenTextQuerySet.as_manager()

    class Meta:
        ordering = ["shuffle"]
        constraints = [models.UniqueConstraint(fields=["response", "place"], name="open_text_once")]
        indexes = [models.Index(fields=["round", "item", "shuffle"])]

    def __str__(self) -> str:
        return f"{self.response_id} {self.place}"


class OpenTextIntake(models.Model):
    """Up to when the responses of a round have been looked through for open answers."""

    round = models.OneToOneField(
        Round, on_delete=models.CASCADE, primary_key=True, related_name="text_intake"
    )
    looked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.round_id} {self.looked_until}"


class Theme(models.Model):
    """One code of an item's code frame, which the team makes."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="themes")
    item = models.CharField(max_length=64)
    code = models.PositiveIntegerField()  # never given again within an item
    label = models.CharField(max_length=40)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["item", "code"]
        constraints = [models.UniqueConstraint(fields=["round", "item", "code"], name="theme_code_once")]

    def __str__(self) -> str:
        return self.label


class TextCoding(models.Model):
    """What one person found in one open answer; no theme at all is an answer too.

    Main: the coding that counts. Check: a second person's, blind to the first. Settled: agreed after both.
    """

    class Purpose(models.TextChoices):
        MAIN = "main", _("编码")
        CHECK = "check", _("复核编码")
        SETTLED = "settled", _("商定")

    text = models.ForeignKey(OpenText, on_delete=models.CASCADE, related_name="codings")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    themes = models.ManyToManyField(Theme, related_name="codings")
    coder = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    coded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["text", "purpose"], name="text_coding_once")]

    def __str__(self) -> str:
        return f"{self.text_id} {self.purpose}"


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
