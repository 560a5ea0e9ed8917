"""One settings file, read from the environment (`.env.example` lists each name).

Defaults are safe: debug off, a secret key required. `MINYI_ENV=demo|development|test` relaxes what a
person needs to try the program on one machine; anything else is production.
"""

import os
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(env.str("MINYI_ENV_FILE", default=str(BASE_DIR / ".env")))

MINYI_ENV = env.str("MINYI_ENV", default="production")
if MINYI_ENV not in ("production", "development", "demo", "test"):
    raise ImproperlyConfigured("MINYI_ENV must be production, development, demo or test.")
RELAXED = MINYI_ENV != "production"
VAR_DIR = Path(env.str("MINYI_VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("MINYI_DEBUG", default=False)


def _secret(name: str, what: str) -> str:
    """A secret from the environment. Outside production a fixed, public value serves."""
    value = env.str(name, default="")
    if value:
        return value
    if RELAXED:
        return f"not-secret-{name.lower()}-for-{MINYI_ENV}-only"
    raise ImproperlyConfigured(f"{name} is not set: {what}. See .env.example.")


SECRET_KEY = _secret("MINYI_SECRET_KEY", "Django signs sessions with it (50 or more random characters)")
# Field encryption: "key-id:base64 of 32 bytes", several separated by commas; the first one encrypts,
# all decrypt, so that keys rotate. See survey/common/crypto.py.
FIELD_KEYS = env.str("MINYI_FIELD_KEYS", default="")
if not FIELD_KEYS:
    if not RELAXED:
        raise ImproperlyConfigured(
            "MINYI_FIELD_KEYS is not set: contact data cannot be encrypted. See .env.example."
        )
    FIELD_KEYS = "demo1:bm90LXNlY3JldC1maWVsZC1rZXktZm9yLWRlbW8tISE="
# Keyed hashes (codes, addresses, openids): losing it makes every printed letter useless.
HASH_KEY = _secret("MINYI_HASH_KEY", "codes, addresses and openids are hashed with it")

ALLOWED_HOSTS = env.list(
    "MINYI_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"] if RELAXED else []
)
# The address that residents see on letters, without a trailing slash.
PUBLIC_URL = env.str("MINYI_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "knox",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "survey.common",
    "survey.audit",
    "survey.jobs",
    "survey.regions",
    "survey.accounts",
    "survey.questionnaires",
    "survey.indicators",
    "survey.studies",
    "survey.sampling",
    "survey.contacts",
    "survey.responses",
    "survey.fieldwork",
    "survey.reports",
    "survey.wechat",
    "survey.operations",
    "survey.console",
    "survey.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "survey.common.middleware.UsualPolicyMiddleware",
    "survey.common.middleware.NoReferrerMiddleware",
    "survey.common.middleware.TeamSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "survey.common.middleware.TeamAuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "survey.accounts.middleware.SecondFactorMiddleware",
    "survey.common.middleware.TeamMessageMiddleware",
    "survey.common.middleware.ProblemMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "survey.urls"
WSGI_APPLICATION = "survey.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "survey.common.context.installation",
            ],
        },
    },
]

# --- database -------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("MINYI_DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'minyi.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a writer waits for the lock at BEGIN instead of failing at its first write.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["ENGINE"] = "survey.common.postgresql"
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if not env.bool("MINYI_DATABASE_POOLED", default=False):
        # The statements of survey/common/statements.py are prepared once for each connection; behind a pooler
        # that hands connections around, they are planned each time.
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 0)

REDIS_URL = env.str("MINYI_REDIS_URL", default="")
# Test processes that run side by side must not take each other's jobs or clear each other's counts.
_test_process = os.environ.get("PYTEST_XDIST_WORKER", "") if MINYI_ENV == "test" else ""
if REDIS_URL:
    _cache_url = env.str("MINYI_CACHE_URL", default=REDIS_URL)
    if MINYI_ENV == "test":
        # Clearing a Redis cache empties its whole database: never the broker's.
        _cache_url = f"{REDIS_URL.rpartition('/')[0]}/{1 + int(_test_process.removeprefix('gw') or 0)}"
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _cache_url}}
else:
    # Throttles count in it; several processes on SQLite then still share one count.
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "minyi_cache"}
    }

# --- tasks ----------------------------------------------------------------------------------------
# Embedded default: no broker; one worker thread inside the web process (survey/jobs/embedded.py).
EMBEDDED_WORKER = env.bool("MINYI_EMBEDDED_WORKER", default=not REDIS_URL)
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_DEFAULT_QUEUE = env.str("MINYI_TASK_QUEUE", default="minyi") + _test_process
CELERY_TASK_IGNORE_RESULT = True  # the Job row is the result
CELERY_TASK_ACKS_LATE = True  # a killed worker's task is delivered again; tasks are safe to repeat
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BEAT_SCHEDULE = {
    "resend-pending-jobs": {"task": "survey.jobs.tasks.resend_pending", "schedule": 15.0},
    "daily-chores": {"task": "survey.jobs.tasks.do_chores", "schedule": 900.0},  # each is due once a day
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# --- language and time ----------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("zh-hant", _("繁體中文")), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "survey" / "locale"]
TIME_ZONE = env.str("MINYI_TIME_ZONE", default="Asia/Shanghai")
USE_I18N = True
USE_TZ = True

# --- files ----------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = VAR_DIR / "media"
_manifest = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if MINYI_ENV in ("test", "development")
        else _manifest
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
WHITENOISE_USE_FINDERS = MINYI_ENV in ("test", "development")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- people ---------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if MINYI_ENV == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "console:home"
LOGOUT_REDIRECT_URL = "accounts:login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "survey.accounts.views.locked_out"
AXES_ENABLE_ADMIN = False
OTP_TOTP_ISSUER = "Minyi"
# Administrators need a second factor. The demo's administrator enrols at first log-in, like any other.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")

# --- the browser ----------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin"],  # unfold ships inline handlers; only administrators reach it
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, "https://res.wx.qq.com"],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("MINYI_BEHIND_PROXY", default=False) else None
)
SECURE_SSL_REDIRECT = False  # nginx does it
SECURE_HSTS_SECONDS = 31536000 if PUBLIC_URL.startswith("https://") else 0
# Number of proxies whose X-Forwarded-For entry is believed (0: none).
TRUSTED_PROXIES = env.int("MINYI_TRUSTED_PROXIES", default=0)

# --- fieldwork ------------------------------------------------------------------------------------
# Seconds that one upload of a phone may take to settle its items; the rest is stored and settled by a worker.
SYNC_BUDGET_S = env.float("MINYI_SYNC_BUDGET_S", default=20.0)

# --- WeChat ---------------------------------------------------------------------------------------
# Only these two differ between the sandbox and the real thing.
WECHAT_API_BASE = env.str("MINYI_WECHAT_API_BASE", default="https://api.weixin.qq.com")
WECHAT_OPEN_BASE = env.str("MINYI_WECHAT_OPEN_BASE", default="https://open.weixin.qq.com")
# The JS-SDK's script (protocol file, section 7). A phone of the sandbox answers for its own under its origin.
WECHAT_JS_URL = env.str("MINYI_WECHAT_JS_URL", default="https://res.wx.qq.com/open/js/jweixin-1.6.0.js")
# A letter's button posts to us and is led on to WeChat's log-in: browsers check every step of that way.
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(WECHAT_OPEN_BASE)

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.PageNumber",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.problem_handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "600/min"},
}
REST_KNOX = {"TOKEN_TTL": None, "AUTO_REFRESH": False, "TOKEN_LIMIT_PER_USER": 20}
SPECTACULAR_SETTINGS = {
    "TITLE": "Minyi 民意 API",
    "VERSION": "1",
    "DESCRIPTION": "Regions, studies, questionnaires, samples, responses and estimates of one installation.",
    "SERVE_INCLUDE_SCHEMA": False,
}

UNFOLD = {"SITE_TITLE": "民意", "SITE_HEADER": "民意 · 管理后台", "SITE_URL": "/console/"}

# --- operation ------------------------------------------------------------------------------------
# Public half of the key that backups are encrypted to (manage.py backup_key); its other half stays elsewhere.
BACKUP_RECIPIENT = env.str("MINYI_BACKUP_RECIPIENT", default="")
# Who may read /metrics, as "Authorization: Bearer …"; empty: nobody.
METRICS_TOKEN = env.str("MINYI_METRICS_TOKEN", default="")
# Where manage.py watch sends what is wrong, and over which server (smtp+tls://user:password@host:587).
ALARM_EMAILS = env.list("MINYI_ALARM_EMAILS", default=[])
if MINYI_ENV == "production":
    vars().update(env.email_url("MINYI_EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("MINYI_EMAIL_FROM", default="minyi@localhost")

# --- log ------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_codes": {"()": "survey.common.logs.RedactCodes"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_codes"]}},
    "root": {"handlers": ["console"], "level": env.str("MINYI_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        # Django gives this one a handler of its own, past the filter above.
        "django.server": {"handlers": ["console"], "propagate": False},
        "axes": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
    },
}
