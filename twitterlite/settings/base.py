"""What every environment shares. Values come from `apps.infra.conf`, never from `os.environ`."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from apps.infra.conf import BASE_DIR, load, networks_of
from twitterlite.settings.secret import secret_key

CONF = load()
VAR_DIR = CONF.var_dir
DEBUG = CONF.debug
# None: the environment gives the key.
SECRET_KEY_FILE = None if CONF.django_secret_key else CONF.var_dir / "secret_key"
SECRET_KEY = secret_key(given=CONF.django_secret_key, var_dir=CONF.var_dir)
ALLOWED_HOSTS = CONF.allowed_hosts.split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in CONF.csrf_trusted_origins.split(",") if origin]
PUBLIC_URL = CONF.public_url
OAUTH1_BASE_URLS = [url for url in CONF.oauth1_base_urls.split(",") if url]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "apps.infra",
    "apps.users",
    "apps.graph",
    "apps.media",
    "apps.tweets",
    "apps.timelines",
    "apps.search",
    "apps.trends",
    "apps.hot",
    "apps.notifications",
    "apps.archives",
    "apps.public",
    "apps.ops",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.users.middleware.SessionMiddleware",
    "apps.infra.web.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.users.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.infra.web.policy.PolicyMiddleware",
    "apps.infra.web.desk.DeskMiddleware",
    "apps.infra.web.middleware.BreakerMiddleware",
]
ROOT_URLCONF = "twitterlite.urls"
ASGI_APPLICATION = "twitterlite.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_db = urlsplit(CONF.database_url)
DATABASE_URL = CONF.database_url
DATABASE_REPLICA_URL = CONF.database_replica_url
DATABASES = {
    "default": {
        "ENGINE": "apps.infra.stores.guarded",
        "NAME": _db.path.lstrip("/"),
        "USER": unquote(_db.username or ""),
        "PASSWORD": unquote(_db.password or ""),
        "HOST": _db.hostname or "",
        "PORT": str(_db.port or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "connect_timeout": 3,
            "options": (
                f"-c statement_timeout={CONF.db_statement_timeout_ms}"
                " -c idle_in_transaction_session_timeout=30000"
            ),
            # A restarted server is tried again at once and often, not after a long back-off.
            "pool": {
                "min_size": 1,
                "max_size": CONF.db_pool_max_size,
                "timeout": 3,
                "reconnect_timeout": 2,
            },
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_STATE_URLS = [url for url in CONF.redis_state_url.split(",") if url]
REDIS_CACHE_URL = CONF.redis_cache_url
REDIS_TIMEOUT_SECONDS = CONF.redis_timeout_seconds
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CONF.redis_cache_url,
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SOCKET_CONNECT_TIMEOUT": CONF.redis_timeout_seconds,
            "SOCKET_TIMEOUT": CONF.redis_timeout_seconds,
            # The cache may be down; the truth is in PostgreSQL.
            "IGNORE_EXCEPTIONS": True,
        },
    }
}

AUTH_USER_MODEL = "users.User"
# The name is unique in any letter case, which Django's check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["apps.users.backends.UsernameBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/home"
LOGOUT_REDIRECT_URL = "/"
SESSION_ENGINE = "apps.users.sessions"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = CONF.https
# No host beside this one, and nobody on the way, can set a cookie of such a name.
COOKIE_PREFIX = "__Host-" if CONF.https else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
SECURE_HSTS_SECONDS = 31_536_000 if CONF.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = CONF.https and CONF.hsts_subdomains
# A message in a cookie asks no session, so pages may read it without a database.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
CSRF_FAILURE_VIEW = "apps.infra.web.pages.stale_form"
X_FRAME_OPTIONS = "DENY"
# Where pictures come from, unless it is here.
_PICTURE_HOSTS = ["/".join(CONF.media_url.split("/")[:3])] if CONF.media_url else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", *_PICTURE_HOSTS],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
# Its theme makes functions of the attributes of its own pages (Alpine) and has one style inline;
# no script may stand inline, nor come from elsewhere.
ADMIN_POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:", *_PICTURE_HOSTS],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}

UNFOLD = {"SITE_TITLE": "TwitterLite", "SITE_HEADER": "TwitterLite", "SITE_URL": "/"}

LANGUAGE_CODE = "en"
# In their own words, as people look for them; catalogues are in translations/.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "translations"]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = CONF.var_dir / "static"
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "apps.infra.web.files.HashedFiles"},
}

DB_STATEMENT_TIMEOUT_MS = CONF.db_statement_timeout_ms
REQUEST_SECONDS = CONF.request_seconds
DB_POOL_MAX_SIZE = CONF.db_pool_max_size
ADMISSION_MAX = CONF.admission_max
CLUSTER_ID = CONF.cluster_id
EVENT_TOPOLOGY = "twitterlite.topology"
EVENT_LOG_DAYS = CONF.event_log_days
FANOUT_MAX_FOLLOWERS = CONF.fanout_max_followers
FANOUT_BULK_FOLLOWERS = CONF.fanout_bulk_followers
FIREHOSE_MAX_BACKLOG = CONF.firehose_max_backlog
FIREHOSE_MAX_LAG_SECONDS = CONF.firehose_max_lag_seconds
HOME_TIMELINE_LENGTH = CONF.home_timeline_length
TIMELINE_SHARDS = CONF.timeline_shards
TWEET_HASH_PARTITIONS = CONF.tweet_hash_partitions
PARTITION_MONTHS_AHEAD = CONF.partition_months_ahead
# What trends is counted, and shown.
TRENDS = CONF.trends
# Which tweets become hot is predicted.
HOT = CONF.hot
MEDIA_DIR = CONF.media_dir if CONF.media_dir != Path() else CONF.var_dir / "media"
ARCHIVE_DIR = CONF.archive_dir if CONF.archive_dir != Path() else CONF.var_dir / "archives"
ARCHIVE_MAX_BYTES = CONF.archive_max_mb * 1_000_000
BACKUP_DIR = CONF.backup_dir if CONF.backup_dir != Path() else CONF.var_dir / "backups"
# With a slash at the end.
MEDIA_URL = CONF.media_url.rstrip("/") + "/" if CONF.media_url else f"{CONF.public_url}/media/"
# The edge bounds bodies before Django sees them; uploads are larger than Django's default.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8_388_608
_mail = urlsplit(CONF.email_url)
_MAIL_BY = "django.core.mail.backends.smtp" if CONF.email_url else "apps.users.letter_files"
EMAIL_BACKEND = f"{_MAIL_BY}.EmailBackend"
EMAIL_FILE_PATH = CONF.var_dir / "mail"
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = not EMAIL_USE_SSL and EMAIL_PORT == 587  # noqa: PLR2004 (the port of submission)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONF.email_from
PASSWORD_RESET_TIMEOUT = 60 * 60
METRICS_TOKEN = CONF.metrics_token
RATE_LIMIT_FACTOR = CONF.rate_limit_factor
TRUSTED_PROXIES = networks_of(CONF.trusted_proxies)
WEB_CONCURRENCY = CONF.web_concurrency
LOG_LEVEL = CONF.log_level
LOG_JSON = CONF.log_json
LOGGING_CONFIG = None
