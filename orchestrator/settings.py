"""Every setting, each from the environment. `docs/settings.md` lists them for operators."""

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from core import logs
from orchestrator import (
    beat_schedule,
    celery_settings,
    database_settings,
    embedded_broker,
    environment,
    mail_settings,
    running_product,
    sign_in_settings,
    site_settings,
    start_settings,
)
from orchestrator.environment import Environment

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent
_START = start_settings.read(BASE_DIR)
VAR_DIR = _START.var_dir
# Where a running `make run` serves its pages and the sandbox; None if it does not run.
_RUNNING = running_product.read(VAR_DIR)
# The keys that `make run` generates at its first start. The environment takes precedence.
environment.read_file(VAR_DIR / "keys.env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.secret_line("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Run `make run` or `python manage.py up`, which make one, "
        "or set SECRET_KEY, FIELD_ENCRYPTION_KEYS, TOKEN_FINGERPRINT_KEY and EVENT_SEAL_KEYS in the environment."
    )
# Newest first: the first key encrypts, every key can decrypt. See docs/decisions/0001-encryption.md.
FIELD_ENCRYPTION_KEYS: list[str] = env.secret_list("FIELD_ENCRYPTION_KEYS")
TOKEN_FINGERPRINT_KEY = env.secret_line("TOKEN_FINGERPRINT_KEY")
# Newest first: the first key seals the history, every key verifies. See docs/decisions/0004-sealed-history.md.
EVENT_SEAL_KEYS: list[str] = env.secret_list("EVENT_SEAL_KEYS")

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=False)
# The origin for links in mails, without a path: the paths of `reverse` begin with the prefix of the site.
_SITE_URL = env.str("SITE_URL", default=_RUNNING.site_url if _RUNNING else "http://127.0.0.1:8000")
_SITE = site_settings.read(_SITE_URL, env.str("SCRIPT_NAME", default=""))
SITE_URL = _SITE.origin
# The path prefix of the site, such as "/repos", or empty.
SCRIPT_NAME = _SITE.prefix
FORCE_SCRIPT_NAME = SCRIPT_NAME or None

INSTALLED_APPS = [
    "orchestrator",
    "core",
    "throttling",
    "history",
    "connections",
    "delivery",
    "people",
    "api",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_htmx",
    "lucide",
    "csp",
]

# The optional second factor and Microsoft Entra ID.
_SIGN_IN = sign_in_settings.read(env)
vars().update(_SIGN_IN)
ALLAUTH: bool = _SIGN_IN["ALLAUTH"]
SECOND_FACTOR: bool = _SIGN_IN["SECOND_FACTOR"]
ENTRA: bool = _SIGN_IN["ENTRA"]
ENTRA_PROVIDER_ID = sign_in_settings.ENTRA
INSTALLED_APPS += sign_in_settings.apps_of(_SIGN_IN)

# Who may read /metrics; without it there are none, and nothing is counted.
METRICS_TOKEN = env.secret_line("METRICS_TOKEN")
# What names a connection in its series: "name" (and its organization) or "id".
METRICS_CONNECTION_LABEL = env.str("METRICS_CONNECTION_LABEL", default="name")
METRICS_MAX_CONNECTIONS = env.int("METRICS_MAX_CONNECTIONS", default=10_000)

MIDDLEWARE = [
    "orchestrator.middleware.health_endpoints",
    *(["orchestrator.metrics.endpoint.Metrics"] if METRICS_TOKEN else []),
    "core.request_id.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Adds random padding, so that the length of a response reveals nothing about its content (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "orchestrator.middleware.headers",
    "orchestrator.middleware.ErrorPages",
    "orchestrator.middleware.api_urls",
    "orchestrator.middleware.known_methods",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "history.current_actor.middleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "people.middleware.session_limits",
    *(["allauth.account.middleware.AccountMiddleware"] if ALLAUTH else []),
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "orchestrator.urls"
# For requests to the REST API, see `orchestrator.middleware.api_urls`.
API_URLCONF = "orchestrator.api_urls"
WSGI_APPLICATION = "orchestrator.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", *sorted(BASE_DIR.glob("connections/providers/*/templates"))],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orchestrator.context_processors.alarms",
            ],
            "builtins": ["core.templatetags.icons", "core.templatetags.page_urls", "django.templatetags.static"],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 20,
    # In a deferred transaction, a write after a read fails immediately if the database is locked, despite the timeout.
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
_DATABASE_URL = env.secret_line("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": database_settings.read(_DATABASE_URL)
    if _DATABASE_URL
    # Not as a URL, because a folder's name may contain any character.
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "db.sqlite3"},
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS | DATABASES["default"].get("OPTIONS", {})
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Otherwise a page waits for minutes if the server's machine is unreachable.
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5} | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The broker only wakes workers. What is due is stored in the database.
REDIS_URL = _START.redis_url
# The module of the Celery application, which `core.tasks` imports.
TASK_APPLICATION = "orchestrator.celery"
# Without REDIS_URL it is the socket of `make run`, never a server that happens to listen on the port of Redis.
CELERY_BROKER_URL = REDIS_URL or embedded_broker.url(VAR_DIR)
vars().update(celery_settings.SETTINGS)
CELERY_BEAT_SCHEDULE = beat_schedule.SCHEDULE
# How long the loop of a worker or the scheduler may be stuck before the process exits, to be restarted.
LOOP_LIMIT_SECONDS = env.float("LOOP_LIMIT_SECONDS", default=120.0)

_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
    # Accepts everything. Django calls it after each change of a password, which it records.
    {"NAME": "people.events.PasswordEvents"},
]
# Whose paths the REST API serves: no session, no page, problems as JSON.
API_PREFIX = "/api/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "connections:list"
LOGOUT_REDIRECT_URL = "login"
# A session ends this many seconds after the sign-in, and after this many minutes without a request.
SESSION_COOKIE_AGE = env.int("SESSION_COOKIE_AGE", default=12 * 60 * 60)
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=60)
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# With a path prefix, other applications on the same host neither receive nor overwrite the cookies.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = SCRIPT_NAME or "/"
MESSAGE_STORAGE = "orchestrator.message_storage.MessageStorage"
if HTTPS:
    # Browsers accept cookies with these prefixes only over TLS, and `__Host-` only from the host itself, so that no
    # other host of the domain can set them.
    _COOKIES = "__Secure-" if SCRIPT_NAME else "__Host-"
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_COOKIES}sessionid", f"{_COOKIES}csrftoken"
# Sessions are in the database, with their user.
SESSION_ENGINE = "people.sessions"
# Failed attempts per SIGN_IN_MINUTES for a name at one address. Four times as many are allowed for the name from all
# addresses together, and ten times as many for an address with all names together.
SIGN_IN_ATTEMPTS = env.int("SIGN_IN_ATTEMPTS", default=5)
SIGN_IN_MINUTES = env.int("SIGN_IN_MINUTES", default=15)
# How long a link to choose a password is valid.
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_LINK_HOURS", default=48) * 3600

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

STATIC_URL = f"{SCRIPT_NAME}/static/"
# Without SCRIPT_NAME, because WhiteNoise compares the path after it.
WHITENOISE_STATIC_PREFIX = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pages only use names with a hash of the content.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if env.bool("STATIC_MANIFEST", default=True)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "upgrade-insecure-requests": HTTPS,
    },
}
CSRF_FAILURE_VIEW = "orchestrator.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Proxies whose X-Forwarded-For is trusted: addresses, networks, or "socket" for a proxy on a Unix socket.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Large enough that a file pasted into a field gets a message beside the field instead of an error page.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
# A large organization has a checkbox for each of its projects.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
# Uploaded files stay in memory, so that a private key uploaded by mistake never touches a disk.
FILE_UPLOAD_MAX_MEMORY_SIZE = 17 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
DEFAULT_EXCEPTION_REPORTER_FILTER = "core.error_reports.ExceptionReporterFilter"

LOGGING = logs.configuration(
    level=env.str("LOG_LEVEL", default="INFO").upper(),
    as_json=env.str("LOG_FORMAT", default="text").lower() == "json",
)

# The processes and threads of gunicorn, and the threads of a worker.
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=8)
WORKER_THREADS = _START.worker_threads

# The servers of Azure DevOps. People can choose one of them, but cannot enter another address.
AZURE_DEVOPS_SERVERS = _START.azure_devops_servers
if _RUNNING:
    AZURE_DEVOPS_SERVERS = _RUNNING.servers_with_sandbox(AZURE_DEVOPS_SERVERS)
SAMPLE_TOKENS = running_product.handed_over_samples()
# For servers by name: certificate authorities, a proxy, and the confirmation that allows plain HTTP.
AZURE_DEVOPS_CA_BUNDLES = env.str("AZURE_DEVOPS_CA_BUNDLES", default="")
AZURE_DEVOPS_PROXIES = env.secret("AZURE_DEVOPS_PROXIES")
AZURE_DEVOPS_PLAIN_HTTP = env.str("AZURE_DEVOPS_PLAIN_HTTP", default="")
# Where applications of Microsoft Entra get access tokens for Azure DevOps Services; empty turns them off.
AZURE_DEVOPS_ENTRA_AUTHORITY = env.str("AZURE_DEVOPS_ENTRA_AUTHORITY", default="https://login.microsoftonline.com")
AZURE_DEVOPS_ENTRA_CA_BUNDLE = env.str("AZURE_DEVOPS_ENTRA_CA_BUNDLE", default="")
AZURE_DEVOPS_ENTRA_PROXY = env.secret("AZURE_DEVOPS_ENTRA_PROXY")
# Where applications read when their client secrets expire; empty turns that off.
AZURE_DEVOPS_ENTRA_GRAPH = env.str("AZURE_DEVOPS_ENTRA_GRAPH", default="https://graph.microsoft.com")
# Identities of this server, with which people may connect.
AZURE_DEVOPS_WORKLOAD_IDENTITY = env.bool("AZURE_DEVOPS_WORKLOAD_IDENTITY", default=False)
AZURE_DEVOPS_MANAGED_IDENTITY = env.str("AZURE_DEVOPS_MANAGED_IDENTITY", default="")
AZURE_TENANT_ID = env.str("AZURE_TENANT_ID", default="")
AZURE_CLIENT_ID = env.str("AZURE_CLIENT_ID", default="")
AZURE_FEDERATED_TOKEN_FILE = env.str("AZURE_FEDERATED_TOKEN_FILE", default="")
IDENTITY_ENDPOINT = env.str("IDENTITY_ENDPOINT", default="")
IDENTITY_HEADER = env.secret("IDENTITY_HEADER")
# The same for the sandbox.
_SANDBOX_ENTRA = _RUNNING.sandbox_entra(VAR_DIR) if _RUNNING else None
SANDBOX_ENTRA_AUTHORITY = env.str("SANDBOX_ENTRA_AUTHORITY", default=_SANDBOX_ENTRA.authority if _SANDBOX_ENTRA else "")
SANDBOX_ENTRA_CA_BUNDLE = env.str("SANDBOX_ENTRA_CA_BUNDLE", default=_SANDBOX_ENTRA.ca_bundle if _SANDBOX_ENTRA else "")
# The identity of this machine in the sandbox of `make run`, as tenant and client id, and the token of its workload.
SANDBOX_IDENTITY = _SANDBOX_ENTRA.identity if _SANDBOX_ENTRA else ""
SANDBOX_FEDERATED_TOKEN_FILE = _SANDBOX_ENTRA.workload_token_file if _SANDBOX_ENTRA else ""
# The application that is registered for renewing tokens at Azure DevOps Services; empty turns that off.
TOKEN_RENEWAL_TENANT_ID = env.str("TOKEN_RENEWAL_TENANT_ID", default="")
TOKEN_RENEWAL_CLIENT_ID = env.str("TOKEN_RENEWAL_CLIENT_ID", default="")
TOKEN_RENEWAL_CLIENT_SECRET = env.secret("TOKEN_RENEWAL_CLIENT_SECRET")
# The same for the sandbox of `make run`, which hands it over.
SANDBOX_TOKEN_RENEWAL = running_product.handed_over_renewal()
AZURE_DEVOPS_WRITE_PROBES = env.bool("AZURE_DEVOPS_WRITE_PROBES", default=True)
AZURE_DEVOPS_CONNECT_TIMEOUT = env.float("AZURE_DEVOPS_CONNECT_TIMEOUT", default=5.0)
AZURE_DEVOPS_TEST_LIMIT = env.float("AZURE_DEVOPS_TEST_LIMIT", default=20.0)
# In the background, requests may wait as long as Azure DevOps delays those of a busy person.
AZURE_DEVOPS_TASK_TIMEOUT = env.float("AZURE_DEVOPS_TASK_TIMEOUT", default=60.0)
# For all pages of one list together; a longer list is shown as incomplete.
AZURE_DEVOPS_LIST_LIMIT = env.float("AZURE_DEVOPS_LIST_LIMIT", default=300.0)
# Tests per TESTS_MINUTES, for each person and for each address. A used-up allowance returns at an even pace.
TESTS_PER_PERSON = env.int("TESTS_PER_PERSON", default=30)
TESTS_PER_ADDRESS = env.int("TESTS_PER_ADDRESS", default=150)
TESTS_MINUTES = env.int("TESTS_MINUTES", default=5)
# So many requests may an API token make in a minute, at once or spread; after that they come back one by one.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=300)
API_WAITING_REQUESTS = env.int("API_WAITING_REQUESTS", default=2)
TEST_RESULT_MINUTES = env.int("TEST_RESULT_MINUTES", default=15)
# How many network problems in a row make a connection Unreachable.
TROUBLES_BEFORE_UNREACHABLE = env.int("TROUBLES_BEFORE_UNREACHABLE", default=3)
# How often each connection is audited, and how many audits run at once for one organization, and for one person
# behind several tokens, because Azure DevOps limits the rate of each person.
AUDIT_EVERY_HOURS = env.float("AUDIT_EVERY_HOURS", default=6.0)
AUDITS_PER_ORGANIZATION = env.int("AUDITS_PER_ORGANIZATION", default=2)
AUDITS_PER_PERSON = env.int("AUDITS_PER_PERSON", default=2)
# All audits that run at once, in all workers together. One worker runs at most two fewer than its WORKER_THREADS.
AUDITS_AT_ONCE = env.int("AUDITS_AT_ONCE", default=max(1, WORKER_THREADS - 2))
# After this time without a renewal of its lease, an audit is restarted.
AUDIT_LEASE_SECONDS = env.int("AUDIT_LEASE_SECONDS", default=60)
# How often builds and releases on open pages are polled. The interval is longer if more is polled with one person's
# tokens: WATCH_PACE_SECONDS for each request. POLLS_PER_TICK limits the batches that start at one tick.
WATCH_SECONDS = env.float("WATCH_SECONDS", default=10.0)
WATCH_PACE_SECONDS = env.float("WATCH_PACE_SECONDS", default=1.0)
POLLS_PER_TICK = env.int("POLLS_PER_TICK", default=10)
# How long each web process caches what pages read, unless someone changes something through the product before.
# Cached values are only shown; no decision is based on them.
AZURE_DEVOPS_READ_SECONDS = env.int("AZURE_DEVOPS_READ_SECONDS", default=15)
# Longer files are not shown as text.
FILE_MAX_BYTES = env.int("FILE_MAX_BYTES", default=512 * 1024)
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Only a few entries, because each may be a whole file.
    "azure_devops": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "azure_devops",
        "OPTIONS": {"MAX_ENTRIES": 100},
    },
}
# How often projects and repositories are synced, and how many syncs start at one tick.
REFRESH_EVERY_HOURS = env.float("REFRESH_EVERY_HOURS", default=6.0)
REFRESHES_PER_TICK = env.int("REFRESHES_PER_TICK", default=20)
# Longer than one request, after each of which the lease is renewed.
REFRESH_LEASE_SECONDS = env.int("REFRESH_LEASE_SECONDS", default=180)
# Azure DevOps lists all repositories of a project in one response.
REPOSITORY_LIST_MAX_BYTES = env.int("REPOSITORY_LIST_MAX_BYTES", default=64 * 1024 * 1024)
# People are reminded this many days before a token expires, in the site's time zone.
REMINDER_DAYS: list[int] = env.list("REMINDER_DAYS", cast=int, default=[30, 14, 7, 3, 1, 0])
# People are asked for a missing expiry date this many days after a token was stored; then every 30 days.
UNDATED_REMINDER_DAYS: list[int] = env.list("UNDATED_REMINDER_DAYS", cast=int, default=[7, 14, 21, 28])
# More reminders than this for one person on one day become one mail.
REMINDERS_BEFORE_DIGEST = env.int("REMINDERS_BEFORE_DIGEST", default=3)
# Events are pruned after this many days, in whole sealed batches; 0 keeps them for ever.
HISTORY_RETENTION_DAYS = env.int("HISTORY_RETENTION_DAYS", default=0)
# The file to which each new anchor of the history is appended; a relative name is in VAR_DIR.
HISTORY_ANCHOR_FILE = env.str("HISTORY_ANCHOR_FILE", default="")

# EMAIL_URL is, for example, smtp+tls://user:password@mail.example.com:587. Without it, mails are saved to this folder.
EMAIL_FILE_PATH = VAR_DIR / "mail"
vars().update(mail_settings.read(env.secret_line("EMAIL_URL")))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
# The time limit for sending one mail; shorter than its lease, so that no second worker sends it meanwhile.
EMAIL_DEADLINE = env.int("EMAIL_DEADLINE", default=60)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="MFE Orchestrator <orchestrator@localhost>")
MAILS_PER_TICK = env.int("MAILS_PER_TICK", default=50)
MAIL_LEASE_SECONDS = env.int("MAIL_LEASE_SECONDS", default=120)
MAIL_GIVE_UP_DAYS = env.int("MAIL_GIVE_UP_DAYS", default=7)
# Sent and failed mails are deleted from the Outbox after this many days; 0 keeps them for ever.
MAIL_RETENTION_DAYS = env.int("MAIL_RETENTION_DAYS", default=180)
# The hosts to which messages to notification channels may be sent; none by default.
NOTIFICATION_HOSTS: list[str] = env.list("NOTIFICATION_HOSTS", default=[])
NOTIFICATION_CA_BUNDLE = env.str("NOTIFICATION_CA_BUNDLE", default="")
# The time limit for delivering one message; shorter than its lease, so that no second worker sends it meanwhile.
NOTIFICATION_DEADLINE = env.float("NOTIFICATION_DEADLINE", default=15.0)
SUPPORT_URL = env.str("SUPPORT_URL", default="")
