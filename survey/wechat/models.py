"""The service account, its token, and who follows it."""

from django.db import models

from survey.studies.models import Study


class WeChatAccount(models.Model):
    """One service account (服务号). Secrets are encrypted at rest."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    app_id = models.CharField(max_length=40)
    app_secret_cipher = models.BinaryField()
    callback_token_cipher = models.BinaryField(null=True)
    encoding_aes_key_cipher = models.BinaryField(null=True)
    is_active = models.BooleanField(default=True)
    studies = models.ManyToManyField(Study, related_name="wechat_accounts", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """The one holder of an account's token; its row is the lock."""

    account = models.OneToOneField(WeChatAccount, on_delete=models.CASCADE, related_name="token")
    token_cipher = models.BinaryField(null=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"token of {self.account}"


class WeChatUser(models.Model):
    """A WeChat user of an account: the openid encrypted for sending, and hashed for uniqueness."""

    account = models.ForeignKey(WeChatAccount, on_delete=models.CASCADE, related_name="users")
    openid_cipher = models.BinaryField()
    openid_hash = models.CharField(max_length=64)
    is_follower = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "openid_hash"], name="wechat_user_once")]

    def __str__(self) -> str:
        return f"user {self.pk}"


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
