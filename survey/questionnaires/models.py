"""Questionnaires and their versions. A published version is one JSON document that never changes."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.common.errors import Problem


class Questionnaire(models.Model):
    """A questionnaire through its versions."""

    code = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.title


# What names a version: never written again once it is published.
FROZEN = {"questionnaire", "number", "state", "document", "document_hash", "published_at"}


def _refuse() -> None:
    raise Problem("common.locked", what=_("已发布的问卷"))


class QuestionnaireVersionQuerySet(models.QuerySet):
    def update(self, **values: Any) -> int:
        """As Django's, but a published version keeps what names it."""
        named = {name.removesuffix("_id") for name in values}
        if named & FROZEN and self.filter(state=QuestionnaireVersion.State.PUBLISHED).exists():
            _refuse()
        return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, for drafts only."""
        if self.filter(state=QuestionnaireVersion.State.PUBLISHED).exists():
            _refuse()
        return super().delete()

    def visible_to(self, user: Any) -> "QuestionnaireVersionQuerySet":
        """Questionnaires belong to the whole installation: the team sees all, others the published ones."""
        if user.has_role("administrator", "study_lead", "supervisor", "analyst", "text_reviewer"):
            return self
        if user.has_role("interviewer", "official"):
            return self.filter(state=QuestionnaireVersion.State.PUBLISHED)
        return self.none()


class QuestionnaireVersion(models.Model):
    """One document (docs/questionnaire.schema.json). Draft until published, then frozen."""

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        PUBLISHED = "published", _("已发布")

    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    document = models.JSONField()
    document_hash = models.CharField(max_length=64)
    source_name = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    # The version this one was made from, and which step of its history the document is (see DraftStep).
    based_on = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    step = models.PositiveIntegerField(null=True, blank=True)

    objects = QuestionnaireVersionQuerySet.as_manager()

    class Meta:
        ordering = ["questionnaire", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["questionnaire", "number"], name="questionnaire_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django's, but a published version keeps what names it, whoever holds the row."""
        stored = type(self).objects.filter(pk=self.pk).first() if self.pk else None
        if stored is not None and stored.state == self.State.PUBLISHED:
            names = [field.attname for field in self._meta.fields if field.name in FROZEN]
            if any(getattr(self, name) != getattr(stored, name) for name in names):
                _refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's, for drafts only."""
        if type(self).objects.filter(pk=self.pk, state=self.State.PUBLISHED).exists():
            _refuse()
        return super().delete(*args, **kwargs)


class DraftStep(models.Model):
    """One saved state of a draft: undo and redo walk along them.

    Step 0 is the document before the first change. `packed` is canonical JSON under zlib.
    """

    version = models.ForeignKey(QuestionnaireVersion, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField()
    packed = models.BinaryField()
    document_hash = models.CharField(max_length=64)
    deed = models.CharField(max_length=40, blank=True)  # an edit of `editing.EDITS`
    subject = models.CharField(max_length=64, blank=True)  # the item or block it was about
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["version", "number"]
        constraints = [models.UniqueConstraint(fields=["version", "number"], name="draft_step_once")]

    def __str__(self) -> str:
        return f"{self.version} · {self.number}"


class BankItem(models.Model):
    """An item that the team keeps for later questionnaires, with the choice lists it needs."""

    name = models.CharField(max_length=64)
    topic = models.CharField(max_length=60, blank=True)
    index = models.CharField(max_length=60, blank=True)
    wording = models.CharField(max_length=2000)  # in the language it was written in, for the search
    item = models.JSONField()
    choice_lists = models.JSONField(default=dict)
    source = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["topic", "name", "pk"]

    def __str__(self) -> str:
        return self.wording
