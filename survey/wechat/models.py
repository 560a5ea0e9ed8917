"""The service account, its credentials, who follows it, what arrives from WeChat and what is sent there."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.sampling.models import Case
from survey.studies.models import Round, Study
from survey.wechat.publishing_models import (  # Django finds tables through this module
    Article,
    DomainFile,
    KeywordReply,
    Menu,
    Poster,
    PosterEntry,
    SceneCode,
    SetupCheck,
)

__all__ = [
    "AccessToken",
    "Alarm",
    "Article",
    "DomainFile",
    "JsapiTicket",
    "KeywordReply",
    "MassSend",
    "Menu",
    "OAuthState",
    "OutboundMessage",
    "Poster",
    "PosterEntry",
    "ReceivedPush",
    "SceneCode",
    "SendBudget",
    "SetupCheck",
    "SubscriptionGrant",
    "WeChatAccount",
    "WeChatUser",
]


class WeChatAccountQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "WeChatAccountQuerySet":
        """Accounts that carry a study which the user leads; those without a study, for every lead."""
        seen = user.region_filter("studies__region__path", "administrator", "study_lead")
        if user.granted_paths("administrator", "study_lead"):
            seen |= models.Q(studies__isnull=True)
        return self.filter(seen).distinct()


class WeChatAccount(models.Model):
    """One service account (服务号). Secrets are encrypted at rest."""

    class MessageMode(models.TextChoices):
        PLAIN = "plain", _("明文模式")
        COMPATIBLE = "compatible", _("兼容模式")
        SECURE = "secure", _("安全模式")

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    app_id = models.CharField(max_length=40)
    app_secret_cipher = models.BinaryField()
    callback_token_cipher = models.BinaryField(null=True)
    encoding_aes_key_cipher = models.BinaryField(null=True)
    # Tencent may go on with the old key for a while after it was changed (protocol file, section 2 [M]).
    previous_aes_key_cipher = models.BinaryField(null=True)
    previous_aes_key_until = models.DateTimeField(null=True)
    # Only "secure" refuses pushes that are not encrypted.
    message_mode = models.CharField(
        max_length=10, choices=MessageMode.choices, default=MessageMode.COMPATIBLE
    )
    verified_at = models.DateTimeField(null=True)  # Tencent's last check of the callback's address
    is_active = models.BooleanField(default=True)
    studies = models.ManyToManyField(Study, related_name="wechat_accounts", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WeChatAccountQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """The one holder of an account's token; its row is the lock."""

    account = models.OneToOneField(WeChatAccount, on_delete=models.CASCADE, related_name="token")
    token_cipher = models.BinaryField(null=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"token of {self.account}"


class JsapiTicket(models.Model):
    """The one holder of an account's JS-SDK ticket; its row is the lock."""

    account = models.OneToOneField(WeChatAccount, on_delete=models.CASCADE, related_name="jsapi_ticket")
    token_cipher = models.BinaryField(null=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ticket of {self.account}"


class Alarm(models.Model):
    """Something that only a person can put right: a wrong secret, a missing address, a withdrawn right."""

    account = models.ForeignKey(WeChatAccount, on_delete=models.CASCADE, related_name="alarms")
    code = models.IntegerField()
    message = models.CharField(max_length=300)  # Tencent's words, in English
    rid = models.CharField(max_length=60, blank=True)
    n = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "code"], condition=models.Q(settled_at__isnull=True), name="one_open_alarm"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.code}"


class WeChatUser(models.Model):
    """A WeChat user of an account: the openid encrypted for sending, and hashed for uniqueness."""

    account = models.ForeignKey(WeChatAccount, on_delete=models.CASCADE, related_name="users")
    openid_cipher = models.BinaryField()
    openid_hash = models.CharField(max_length=64)
    is_follower = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    # What opens the customer-service windows: her last message, and her last follow, scan or menu click.
    last_message_at = models.DateTimeField(null=True)
    last_touch_at = models.DateTimeField(null=True)
    opted_out_at = models.DateTimeField(null=True)  # wrote 退订, or blocks our messages

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "openid_hash"], name="wechat_user_once")]
        indexes = [models.Index(fields=["openid_hash"])]

    def __str__(self) -> str:
        return f"user {self.pk}"


class SubscriptionGrant(models.Model):
    """How many subscription messages (订阅通知) of one template a user has agreed to get."""

    user = models.ForeignKey(WeChatUser, on_delete=models.CASCADE, related_name="grants")
    template_id = models.CharField(max_length=64)
    n_left = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "template_id"], name="subscription_grant_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.template_id} {self.n_left}"


class OAuthState(models.Model):
    """A started log-in: bound to the session that started it, used once."""

    state_hash = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(WeChatAccount, on_delete=models.CASCADE, related_name="+")
    session_hash = models.CharField(max_length=64)
    destination = models.CharField(max_length=200)
    restarts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"oauth {self.pk}"


class ReceivedPush(models.Model):
    """One message or event from WeChat: stored before it is answered, worked on afterwards.

    The row is the work: whatever a broker does, pending rows are looked at again.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("待处理")
        HANDLED = "handled", _("已处理")
        UNKNOWN = "unknown", _("不认识，留存")
        FAILED = "failed", _("处理失败")

    account = models.ForeignKey(WeChatAccount, on_delete=models.CASCADE, related_name="pushes")
    dedupe_key = models.CharField(max_length=64)
    kind = models.CharField(max_length=80)  # "text", "event:subscribe"
    openid_hash = models.CharField(max_length=64, blank=True, db_index=True)
    content_cipher = models.BinaryField()  # its fields as JSON; b"" once destroyed
    answer = models.TextField(blank=True)  # what was answered, as JSON, for Tencent's further tries
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    sent_at = models.DateTimeField()  # CreateTime
    received_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "dedupe_key"], name="push_once")]
        indexes = [
            models.Index(fields=["next_try_at"], name="push_pending", condition=models.Q(state="pending"))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class MassSend(models.Model):
    """One list of a mass message (群发). WeChat reports on it in numbers, not by person."""

    account = models.ForeignKey(WeChatAccount, on_delete=models.PROTECT, related_name="mass_sends")
    round = models.ForeignKey(Round, null=True, on_delete=models.PROTECT, related_name="mass_sends")
    step = models.CharField(max_length=30)
    client_msg_id = models.CharField(max_length=32, unique=True)
    n_listed = models.PositiveIntegerField(default=0)
    called_at = models.DateTimeField(null=True)
    tencent_id = models.CharField(max_length=40, blank=True, db_index=True)
    # From MASSSENDJOBFINISH; FilterCount, what is left of the list, is in principle n_sent + n_errors [D].
    status = models.CharField(max_length=40, blank=True)
    n_total = models.PositiveIntegerField(null=True)
    n_sent = models.PositiveIntegerField(null=True)
    n_errors = models.PositiveIntegerField(null=True)
    reported_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-called_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.step} {self.pk} to {self.n_listed}"


class OutboundMessage(models.Model):
    """One message to one resident. The row is committed before the call; its outcome may stay unknown.

    planned → sending → sent → delivered, or failed, or unknown; stopped when it must not be sent any more.
    A row that is `sending` or further is never sent again, except under its own client message id.
    """

    class Channel(models.TextChoices):
        CUSTOM = "custom", _("客服消息")
        SUBSCRIBE = "subscribe", _("订阅通知")
        TEMPLATE = "template", _("模板消息")
        MASS = "mass", _("群发")

    class State(models.TextChoices):
        PLANNED = "planned", _("待发送")
        SENDING = "sending", _("发送中")
        SENT = "sent", _("已发出")
        DELIVERED = "delivered", _("已送达")
        FAILED = "failed", _("未送达")
        UNKNOWN = "unknown", _("结果不明")
        STOPPED = "stopped", _("已停发")

    account = models.ForeignKey(WeChatAccount, on_delete=models.PROTECT, related_name="messages")
    user = models.ForeignKey(WeChatUser, null=True, on_delete=models.SET_NULL, related_name="messages")
    round = models.ForeignKey(Round, null=True, on_delete=models.PROTECT, related_name="wechat_messages")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="wechat_messages")
    step = models.CharField(max_length=30)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    body = models.JSONField(default=dict)  # text, or template id and fields; never a name or an openid
    link_key = models.UUIDField(null=True)  # the respondent's public id, which the link ends with
    client_msg_id = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=40, blank=True)  # why it was stopped or failed
    attempts = models.PositiveSmallIntegerField(default=0)
    n_busy = models.PositiveSmallIntegerField(default=0)  # how often WeChat said -1 ("busy")
    mass_send = models.ForeignKey(
        MassSend, null=True, on_delete=models.SET_NULL, related_name="messages"
    )  # the list of a mass message that it is, or was, in
    planned_at = models.DateTimeField()
    due_at = models.DateTimeField()
    first_called_at = models.DateTimeField(null=True)  # Tencent's ten minutes count from here
    called_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    tencent_id = models.CharField(max_length=40, blank=True, db_index=True)
    errcode = models.IntegerField(null=True)
    rid = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "step"],
                condition=models.Q(case__isnull=False),
                name="message_once_per_case_and_step",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], name="message_planned", condition=models.Q(state="planned")),
            models.Index(fields=["called_at"], name="message_sending", condition=models.Q(state="sending")),
            models.Index(fields=["round", "step", "state"], name="message_by_step"),
            models.Index(fields=["user", "called_at"], name="message_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.pk} {self.state}"


class SendBudget(models.Model):
    """How much of an account's allowance on one channel is used up, and until when it rests."""

    account = models.ForeignKey(WeChatAccount, on_delete=models.CASCADE, related_name="budgets")
    channel = models.CharField(max_length=10, choices=OutboundMessage.Channel.choices)
    minute = models.BigIntegerField(default=0)  # minutes since 1970
    n_minute = models.PositiveIntegerField(default=0)
    day = models.DateField(null=True)
    n_day = models.PositiveIntegerField(default=0)
    minute_limit = models.PositiveIntegerField(default=300)
    day_limit = models.PositiveIntegerField(default=50_000)
    rests_until = models.DateTimeField(null=True)
    rest_code = models.IntegerField(null=True)  # the errcode that made it rest

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "channel"], name="budget_once")]

    def __str__(self) -> str:
        return f"{self.account} {self.channel}"
