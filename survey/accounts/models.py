"""People: an account, and what it may do where."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from survey.regions.models import Region


class User(AbstractUser):
    """One account. What it may do comes from its grants."""

    language = models.CharField(max_length=10, default="zh-hans")
    display_name = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return self.display_name or self.username

    def granted_paths(self, *roles: str) -> list[str]:
        """Paths of the regions granted in any of `roles` (all, when none is named); read once per request."""
        if not hasattr(self, "_grants"):
            self._grants = list(self.grants.values_list("role", "region__path"))
        return [path for role, path in self._grants if not roles or role in roles]

    def has_role(self, *roles: str) -> bool:
        """Whether any grant has one of `roles`."""
        return bool(self.granted_paths(*roles))

    def roles(self) -> set[str]:
        """Every role that the account has somewhere."""
        self.granted_paths()
        return {role for role, _path in self._grants}

    def region_filter(self, field: str, *roles: str) -> Q:
        """A condition that cuts rows to the granted subtrees: `field` is the lookup of a region's path.

        Used only by the querysets' `visible_to`: the one gate.
        """
        condition = Q(pk__in=[])
        for path in self.granted_paths(*roles):
            condition |= Q(**{f"{field}__startswith": path})
        return condition


class Grant(models.Model):
    """A role on a region and everything below it."""

    class Role(models.TextChoices):
        ADMINISTRATOR = "administrator", _("管理员")
        STUDY_LEAD = "study_lead", _("项目负责人")
        SUPERVISOR = "supervisor", _("督导员")
        INTERVIEWER = "interviewer", _("访员")
        ANALYST = "analyst", _("分析员")
        TEXT_REVIEWER = "text_reviewer", _("原话审核员")
        DATA_STEWARD = "data_steward", _("数据管理员")
        OFFICIAL = "official", _("部门与街道干部")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=16, choices=Role.choices)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role", "region"], name="grant_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()} {self.region}"
