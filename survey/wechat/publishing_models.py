"""What the account shows in public: posters, scene codes, menu, articles, keyword replies; and its set-up."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.regions.models import Region
from survey.responses.models import Respondent
from survey.studies.models import Round


class PosterQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "PosterQuerySet":
        """Posters of studies in the user's subtree."""
        return self.filter(user.region_filter("round__study__region__path", "administrator", "study_lead"))


class Poster(models.Model):
    """A code to be hung up in one community or grid: whoever scans it belongs to the volunteer sample.

    The code is public like the wall it hangs on, so it is kept as it is and printed again at will.
    """

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="posters")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=60, blank=True)  # where it hangs: "北门公告栏"
    code = models.CharField(max_length=16, unique=True)
    closed_at = models.DateTimeField(null=True)  # taken down: its code opens nothing any more
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PosterQuerySet.as_manager()

    class Meta:
        ordering = ["region__code", "pk"]

    def __str__(self) -> str:
        return f"{self.region} {self.label}".strip()


class PosterEntry(models.Model):
    """Through which poster a volunteer came in."""

    poster = models.ForeignKey(Poster, on_delete=models.CASCADE, related_name="entries")
    respondent = models.OneToOneField(Respondent, on_delete=models.CASCADE, related_name="poster_entry")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.poster_id} {self.respondent_id}"


class SceneCode(models.Model):
    """A scene QR code of the account: its scan lands in the chat, where `card_*` is sent as the answer."""

    account = models.ForeignKey("wechat.WeChatAccount", on_delete=models.CASCADE, related_name="scene_codes")
    scene = models.CharField(max_length=64)
    name = models.CharField(max_length=60)
    poster = models.ForeignKey(Poster, null=True, on_delete=models.CASCADE, related_name="scene_codes")
    card_title = models.CharField(max_length=64)
    card_text = models.CharField(max_length=120, blank=True)
    ticket = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=300, blank=True)  # what the QR holds
    expires_at = models.DateTimeField(null=True)  # none: permanent
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "scene"], name="scene_once")]

    def __str__(self) -> str:
        return self.name


class Menu(models.Model):
    """The account's menu as the team wrote it; `published_at` is when WeChat took it."""

    account = models.OneToOneField("wechat.WeChatAccount", on_delete=models.CASCADE, related_name="menu")
    buttons = models.JSONField(default=list)  # [{"name", "type": "view" or "click", "url" or "key"} …]
    published_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"menu of {self.account_id}"


class KeywordReply(models.Model):
    """What is answered in the chat when a message is, or holds, a word."""

    class Match(models.TextChoices):
        WHOLE = "whole", _("整句相同")
        PART = "part", _("包含")

    account = models.ForeignKey(
        "wechat.WeChatAccount", on_delete=models.CASCADE, related_name="keyword_replies"
    )
    keyword = models.CharField(max_length=30)
    match = models.CharField(max_length=5, choices=Match.choices, default=Match.PART)
    text = models.CharField(max_length=600)

    class Meta:
        ordering = ["account", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "keyword"], name="keyword_once")]

    def __str__(self) -> str:
        return self.keyword


class Article(models.Model):
    """An article of the account: written here, a draft at WeChat, then published."""

    class State(models.TextChoices):
        WRITTEN = "written", _("没有送到微信")
        DRAFT = "draft", _("在草稿箱")
        PUBLISHING = "publishing", _("发布中")
        PUBLISHED = "published", _("已发布")
        FAILED = "failed", _("没有发布成")

    account = models.ForeignKey("wechat.WeChatAccount", on_delete=models.CASCADE, related_name="articles")
    title = models.CharField(max_length=64)
    digest = models.CharField(max_length=120, blank=True)
    body = models.TextField()  # plain text; a line is a paragraph
    link = models.CharField(max_length=300, blank=True)  # 阅读原文
    state = models.CharField(max_length=10, choices=State.choices, default=State.WRITTEN)
    media_id = models.CharField(max_length=128, blank=True)
    publish_id = models.CharField(max_length=64, blank=True, db_index=True)
    url = models.CharField(max_length=500, blank=True)
    why = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title


class SetupCheck(models.Model):
    """The newest result of one step of the account's set-up, as WeChat answered it."""

    class State(models.TextChoices):
        GOOD = "good", _("通过")
        BAD = "bad", _("没通过")

    account = models.ForeignKey("wechat.WeChatAccount", on_delete=models.CASCADE, related_name="checks")
    step = models.CharField(max_length=20)
    state = models.CharField(max_length=4, choices=State.choices)
    said = models.CharField(max_length=400, blank=True)  # what was found, in words
    detail = models.JSONField(default=dict)
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "step"], name="setup_check_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.step} {self.state}"


class DomainFile(models.Model):
    """A file that proves a domain to Tencent: MP_verify_<16>.txt at the root of the site."""

    account = models.ForeignKey("wechat.WeChatAccount", on_delete=models.CASCADE, related_name="domain_files")
    name = models.CharField(max_length=60, unique=True)
    content = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name
