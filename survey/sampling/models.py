"""Frames, designs, draws and cases: from a list of households to the drawn ones, with every probability.

Probabilities are exact fractions ("numerator/denominator" of integers) beside their floats: a certificate
and a redraw compare integers, estimation uses floats.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from survey.jobs.models import Job
from survey.regions.models import Region
from survey.sampling.drafts import PlanDraft
from survey.studies.models import Round

__all__ = [
    "PSU",
    "Case",
    "Design",
    "DesignStratum",
    "Draw",
    "DrawParty",
    "DrawTimestamp",
    "DrawnPSU",
    "FrameCommunity",
    "FrameUnit",
    "FrameVersion",
    "PlanDraft",
    "ReserveReplicate",
    "SigningKey",
]


class FrameVersionQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "FrameVersionQuerySet":
        """Frames are seen by the team only, never by officials or community staff."""
        return self.filter(
            user.region_filter("region__path", "administrator", "study_lead", "supervisor", "analyst")
        )

    def ready(self) -> "FrameVersionQuerySet":
        """Frames whose import is finished."""
        return self.filter(state=FrameVersion.State.READY)


class FrameVersion(models.Model):
    """One import of a household list, hashed and immutable."""

    class State(models.TextChoices):
        IMPORTING = "importing", _("导入中")
        READY = "ready", _("可用")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IMPORTING)
    source_name = models.CharField(max_length=200)
    source_hash = models.CharField(max_length=64, blank=True)  # SHA-256 of the file as brought
    frame_hash = models.CharField(max_length=64, blank=True)  # over the lines' commitments in order
    hash_algorithm = models.CharField(max_length=30, default="minyi-frame-1")
    n_households = models.PositiveIntegerField(default=0)
    n_communities = models.PositiveIntegerField(default=0)
    checks = models.JSONField(default=dict)  # duplicates, empty communities, census comparison
    is_simulated = models.BooleanField(default=False)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FrameVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class FrameUnit(models.Model):
    """One household of a frame. The address is encrypted; its keyed hash finds duplicates."""

    frame = models.ForeignKey(FrameVersion, on_delete=models.CASCADE, related_name="units")
    position = models.PositiveIntegerField()  # fixed order within the frame, from 1
    opaque_id = models.UUIDField(default=uuid.uuid4)
    community = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    grid = models.ForeignKey(Region, null=True, on_delete=models.PROTECT, related_name="+")
    household_number = models.CharField(max_length=60, blank=True)  # the list's own number, if it has one
    is_collective = models.BooleanField(default=False)
    address_cipher = models.BinaryField()
    address_hash = models.CharField(max_length=64)
    phone_cipher = models.BinaryField(null=True)
    salt = models.BinaryField()  # 16 bytes; opens this line's commitment for the resident herself
    commitment = models.CharField(max_length=64)

    class Meta:
        ordering = ["frame", "position"]
        constraints = [
            models.UniqueConstraint(fields=["frame", "position"], name="frame_unit_position_once"),
            models.UniqueConstraint(fields=["frame", "opaque_id"], name="frame_unit_id_once"),
        ]
        indexes = [
            models.Index(fields=["frame", "community"]),
            models.Index(fields=["frame", "address_hash"]),
        ]

    def __str__(self) -> str:
        return str(self.opaque_id)


class FrameCommunity(models.Model):
    """One community of a frame: its counts and the root of its hash tree ("minyi-frame-2", see tree.py).

    The frame's hash is the root of the tree over these rows, so that one community can be shown to belong to
    a frame, and one household to a community, without any other.
    """

    frame = models.ForeignKey(FrameVersion, on_delete=models.CASCADE, related_name="trees")
    community = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    n_family = models.PositiveIntegerField()
    n_collective = models.PositiveIntegerField()
    root = models.CharField(max_length=64)

    class Meta:
        ordering = ["frame", "community__code"]
        verbose_name_plural = "frame communities"
        constraints = [models.UniqueConstraint(fields=["frame", "community"], name="frame_community_once")]

    def __str__(self) -> str:
        return f"{self.frame} {self.community_id}"


class PSU(models.Model):
    """A primary sampling unit of a frame: one community, or several small neighbours joined by a rule.

    `joining_rule` names the whole set of PSUs that a design works with (its least size, and its part of the
    frame), also for those that are one community: designs with other takes have other PSUs.
    """

    frame = models.ForeignKey(FrameVersion, on_delete=models.CASCADE, related_name="psus")
    code = models.CharField(max_length=24)  # that of its first community
    name = models.CharField(max_length=300)
    street = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    communities = models.ManyToManyField(Region, related_name="+")
    n_households = models.PositiveIntegerField()
    joining_rule = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["frame", "code"]
        constraints = [
            models.UniqueConstraint(fields=["frame", "joining_rule", "code"], name="psu_once_by_rule")
        ]

    def __str__(self) -> str:
        return self.name


class DesignQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "DesignQuerySet":
        """Designs and draws are seen by the team only."""
        return self.filter(
            user.region_filter(
                "round__study__region__path", "administrator", "study_lead", "supervisor", "analyst"
            )
        )


class Design(models.Model):
    """How a round draws: stages, strata, allocation. Frozen when it is first drawn.

    `spec`: {"algorithm", "stages": [{"unit", "method", "take" …}, …], "strata", "allocation",
    "min_psus_per_stratum", "reserve_replicates", "notes"}.
    """

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="designs")
    frame = models.ForeignKey(FrameVersion, on_delete=models.PROTECT, related_name="designs")
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    plan = models.JSONField(
        default=dict
    )  # strata with their PSUs, takes and certainty units, before the draw
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    locked_at = models.DateTimeField(null=True)

    objects = DesignQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.round} design {self.pk}"


class DesignStratum(models.Model):
    """One stratum of stage 1: a street, several joined streets, or one certainty PSU."""

    class Kind(models.TextChoices):
        STREETS = "streets", _("街道层")
        CERTAINTY = "certainty", _("必选社区自成一层")

    design = models.ForeignKey(Design, on_delete=models.CASCADE, related_name="strata")
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    streets = models.ManyToManyField(Region, related_name="+")
    n_psus_frame = models.PositiveIntegerField()
    n_psus_take = models.PositiveIntegerField()
    n_households_frame = models.PositiveIntegerField()
    joining_rule = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["design", "code"]
        verbose_name_plural = "design strata"
        constraints = [models.UniqueConstraint(fields=["design", "code"], name="design_stratum_once")]

    def __str__(self) -> str:
        return self.name


class DrawQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "DrawQuerySet":
        """As their designs: the team only."""
        return self.filter(design__in=Design.objects.visible_to(user))


class Draw(models.Model):
    """One execution of a design: commit, then beacon and seed, then result, then reveal. Never redrawn.

    Committed: design, frame, algorithms, the parties' secrets and a future beacon are fixed and published.
    Drawn: the beacon is known and the cases exist. Revealed (`revealed_at`): secrets, opaque ids and
    certificate are public, after the field has closed. Void: given up with a reason, or never revealed.
    """

    class State(models.TextChoices):
        COMMITTED = "committed", _("已承诺")
        DRAWN = "drawn", _("已抽取")
        VOID = "void", _("作废")

    class BeaconKind(models.TextChoices):
        LOTTERY = "lottery", _("彩票开奖号码")
        DRAND = "drand", _("drand 公共随机数")
        DEMO = "demo", _("演示用（不是公开随机源）")

    design = models.ForeignKey(Design, on_delete=models.PROTECT, related_name="draws")
    number = models.PositiveIntegerField()  # within the round, over all its designs
    state = models.CharField(max_length=10, choices=State.choices, default=State.COMMITTED)
    reason = models.CharField(max_length=300, blank=True)  # of a second draw
    algorithm = models.CharField(max_length=40)
    commitment = models.JSONField(default=dict)  # what was fixed before the seed was known
    commitment_hash = models.CharField(max_length=64)
    secret_cipher = models.BinaryField(null=True)
    secret_hash = models.CharField(max_length=64)
    beacon_kind = models.CharField(max_length=10, choices=BeaconKind.choices, blank=True)
    beacon_name = models.CharField(max_length=200, blank=True)  # exact: "双色球 2026136 期"
    beacon_at = models.DateTimeField(null=True)  # not known to anyone before
    beacon = models.CharField(max_length=300, blank=True)  # its value, as typed in and normalised
    reveal_by = models.DateField(null=True)  # a commit that is not revealed by then counts publicly as void
    seed = models.CharField(max_length=64, blank=True)
    result_hash = models.CharField(max_length=64, blank=True)
    certificate = models.JSONField(default=dict)
    committed_at = models.DateTimeField()
    drawn_at = models.DateTimeField(null=True)
    revealed_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=300, blank=True)
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = DrawQuerySet.as_manager()

    class Meta:
        ordering = ["design", "number"]
        constraints = [models.UniqueConstraint(fields=["design", "number"], name="draw_once")]

    def __str__(self) -> str:
        return f"{self.design} draw {self.number}"


class DrawParty(models.Model):
    """Somebody whose secret goes into the seed. All commit before any secret is given.

    Number 1 is the office itself; others bring the SHA-256 of a secret that they made elsewhere.
    """

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="parties")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64)
    secret_cipher = models.BinaryField(null=True)
    given_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["draw", "number"]
        verbose_name_plural = "draw parties"
        constraints = [models.UniqueConstraint(fields=["draw", "number"], name="draw_party_once")]

    def __str__(self) -> str:
        return self.name


class DrawTimestamp(models.Model):
    """A third party's word that the commitment existed at a time."""

    class Kind(models.TextChoices):
        RFC3161 = "rfc3161", _("时间戳机构")
        PUBLICATION = "publication", _("公开发表")
        NOTARY = "notary", _("公证处")

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="timestamps")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    authority = models.CharField(max_length=200)  # who says so
    stamped_at = models.DateTimeField()
    token = models.BinaryField(null=True)  # DER of the RFC 3161 response
    address = models.URLField(max_length=500, blank=True)
    note = models.CharField(max_length=300, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["draw", "stamped_at"]

    def __str__(self) -> str:
        return f"{self.authority} {self.stamped_at:%Y-%m-%d}"


class SigningKey(models.Model):
    """An Ed25519 key that signs certificates. The newest that is not retired signs; all stay public."""

    public_key = models.CharField(max_length=64, unique=True)  # hex
    private_cipher = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.public_key[:16]


class DrawnPSU(models.Model):
    """A PSU that stage 1 took, with its exact probability."""

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="psus")
    psu = models.ForeignKey(PSU, on_delete=models.PROTECT, related_name="+")
    stratum = models.ForeignKey(DesignStratum, on_delete=models.PROTECT, related_name="+")
    is_certainty = models.BooleanField(default=False)
    probability = models.FloatField()
    probability_exact = models.CharField(max_length=60)  # "numerator/denominator"
    order = models.PositiveIntegerField()

    class Meta:
        ordering = ["draw", "order"]
        constraints = [models.UniqueConstraint(fields=["draw", "psu"], name="drawn_psu_once")]

    def __str__(self) -> str:
        return f"{self.psu} ({self.probability_exact})"


class ReserveReplicate(models.Model):
    """A random part of a draw. Number 0 is released at once; the others whole and in order, with a reason."""

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="replicates")
    number = models.PositiveIntegerField()
    n_cases = models.PositiveIntegerField()
    released_at = models.DateTimeField(null=True)
    release_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["draw", "number"]
        constraints = [models.UniqueConstraint(fields=["draw", "number"], name="replicate_once")]

    def __str__(self) -> str:
        return f"{self.draw} replicate {self.number}"


class CaseQuerySet(models.QuerySet):
    """Drawn households. `visible_to` is the only way a page or file gets them."""

    def visible_to(self, user: Any) -> "CaseQuerySet":
        """Cases in the team's subtrees; an interviewer sees only those assigned to him (see fieldwork).

        Officials and community staff never see a case, not even after the field has closed.
        """
        team = user.region_filter("community__path", "administrator", "study_lead", "supervisor")
        return self.filter(team)

    def released(self) -> "CaseQuerySet":
        """Cases of replicates that have been released, of the draw that holds (not of a voided one)."""
        return self.filter(replicate__released_at__isnull=False, draw__state=Draw.State.DRAWN)


class Case(models.Model):
    """One drawn household, with its probability at each stage. Never swapped."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("未回应")
        OPENED = "opened", _("打开过")
        COMPLETED = "completed", _("已完成")
        REFUSED = "refused", _("拒绝")
        INELIGIBLE = "ineligible", _("不合格")
        UNABLE = "unable", _("合格但没法答")  # AAPOR "other eligible": ill, language
        UNKNOWN = "unknown", _("情况不明")

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="cases")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="cases")
    opaque_id = models.UUIDField(default=uuid.uuid4, unique=True)  # the only name that answers know
    number = models.CharField(max_length=20)  # spoken on the phone: 1-00412, the draw and a random number
    frame_unit = models.ForeignKey(FrameUnit, on_delete=models.PROTECT, related_name="+")
    drawn_psu = models.ForeignKey(DrawnPSU, on_delete=models.PROTECT, related_name="cases")
    replicate = models.ForeignKey(ReserveReplicate, on_delete=models.PROTECT, related_name="cases")
    community = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    stage1_probability = models.FloatField()
    stage1_exact = models.CharField(max_length=60)
    stage2_probability = models.FloatField()
    stage2_exact = models.CharField(max_length=60)
    variance_stratum = models.CharField(max_length=60)
    variance_psu = models.CharField(max_length=60)  # a household's own id where its PSU is a certainty one
    selection_seed = models.CharField(max_length=64)  # decides who is asked within the household
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["draw", "number"]
        constraints = [
            models.UniqueConstraint(fields=["draw", "frame_unit"], name="case_once"),
            models.UniqueConstraint(fields=["round", "number"], name="case_number_once"),
            models.CheckConstraint(
                condition=Q(stage1_probability__gt=0, stage1_probability__lte=1)
                & Q(stage2_probability__gt=0, stage2_probability__lte=1),
                name="case_probabilities_in_range",
            ),
        ]
        indexes = [models.Index(fields=["round", "status"]), models.Index(fields=["community"])]

    def __str__(self) -> str:
        return self.number

    @property
    def base_weight(self) -> float:
        """Inverse of the household's inclusion probability."""
        return 1.0 / (self.stage1_probability * self.stage2_probability)
