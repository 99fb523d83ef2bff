"""Django's settings, derived from `Configuration`. No other module reads the environment."""

import warnings
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.http.request import split_domain_port

from seatrial.control.configuration import read_configuration
from seatrial.control.conninfo import options
from seatrial.control.log_lines import logging_configuration
from seatrial.lasting import without

# More than a tenth of a start: the bus's client would take along aiohttp for WebSockets, which reads all authorities of the
# system, httpx what its command shows, and requests, which allauth asks providers with, what guesses the encodings of texts.
with without("aiohttp", "pygments", "chardet", "charset_normalizer"), warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")
    import httpx  # noqa: F401
    import nats  # noqa: F401

    import_module("requests")  # not ours: allauth's

CONFIGURATION = read_configuration()

BASE_DIR = Path(__file__).resolve().parent
DEBUG = CONFIGURATION.debug
SECRET_KEY = CONFIGURATION.secret_key.get_secret_value()  # empty: Django and `control.start` refuse to run
SECRET_KEY_FALLBACKS = CONFIGURATION.former_secret_keys
SITE_URL = CONFIGURATION.site_url
ALLOWED_HOSTS = [
    split_domain_port(urlsplit(SITE_URL).netloc)[0],  # keeps the brackets of an IPv6 address
    split_domain_port(urlsplit(CONFIGURATION.internal_url).netloc)[0],
    "localhost",
    "127.0.0.1",
    "[::1]",
    *filter(None, (host.strip() for host in CONFIGURATION.allowed_hosts.split(","))),
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "seatrial.control.dashboard",
    "seatrial.control.accounts",  # before allauth, so that our templates for signing in are used
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "seatrial.control.keys",
    "seatrial.control.vault",
    "seatrial.control.outbox",
    "seatrial.control.audit",
    "seatrial.control.projects",
    "seatrial.control.forges",
    "seatrial.control.forges.gitlab",
    "seatrial.control.forges.local",
    "seatrial.control.forges.oauth",
    "seatrial.control.fleet",
    "seatrial.control.certificates",
    "seatrial.control.previews",
    "seatrial.control.previews.evidence",
    "seatrial.control.entrance",
    "seatrial.control.variables",
    "seatrial.control.registries",
    "seatrial.control.policies",
    "seatrial.control.policies.scores",
    "seatrial.control.policies.badges",
    "seatrial.control.policies.signing",
    "seatrial.control.policies.notices",
    "seatrial.control.policies.digests",
    "seatrial.control.policies.source",
    "seatrial.control.policies.rescans",
    "seatrial.control.triggers",
    "seatrial.control.home",
    "seatrial.control.worker",
    "seatrial.control.installation",
    "seatrial.control.airgap",
]
AUTH_USER_MODEL = "accounts.User"
ROOT_URLCONF = "seatrial.control.urls"
ASGI_APPLICATION = "seatrial.control.asgi.application"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "seatrial.control.previews.pages.hosts.OwnHostsMiddleware",  # before all that answers or sets a cookie
    "seatrial.control.dashboard.compression.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "seatrial.control.accounts.second_factor.required.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "seatrial.control.error_pages.ErrorPagesMiddleware",
]
TEMPLATES = [
    {
        "NAME": "django",  # by which libraries ask for it
        "BACKEND": "seatrial.control.dashboard.engine.VisibleTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "seatrial.control.home.tabs.tabs",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": CONFIGURATION.db_host,
        "PORT": str(CONFIGURATION.db_port),
        "NAME": CONFIGURATION.db_name,
        "USER": CONFIGURATION.db_user,
        "PASSWORD": CONFIGURATION.db_password.get_secret_value(),
        "CONN_HEALTH_CHECKS": True,
        # Under ASGI every request has a thread of its own, so only a pool can reuse connections between requests.
        "OPTIONS": options(CONFIGURATION)
        | (
            # The pool's pauses between attempts double; after a long outage, nobody waits for the end of a long one.
            {
                "pool": {
                    "min_size": 1,
                    "max_size": CONFIGURATION.db_pool_size,
                    "timeout": 10,
                    "reconnect_timeout": 5,
                }
            }
            if CONFIGURATION.db_pool_size
            else {}
        ),
    }
}
# All web processes share it, and it survives their restarts: it holds the counts of failed sign-ins.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024  # a forge's largest webhook

# Accounts of people with a password are made by an admin; who else comes in, `accounts.admission` decides. Limits against guessing are allauth's:
# 10 failures a minute per address, 5 in five minutes per name and address; of IPv6 a network of 64 bits is one address.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "seatrial.control.accounts.adapter.ClosedSignUpAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_SESSION_REMEMBER = True
SOCIALACCOUNT_ADAPTER = "seatrial.control.accounts.providers.adapter.ProviderSignIn"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True  # before an account is linked
SOCIALACCOUNT_STORE_TOKENS = False  # nothing needs them after a sign-in
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address never leads to somebody else's account
MFA_ADAPTER = "seatrial.control.accounts.second_factor.adapter.SecondFactors"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    name: f"seatrial.control.accounts.second_factor.forms.{form}"
    for name, form in {
        "add_webauthn": "AddPasskey",
        "authenticate_webauthn": "UsePasskey",
        "reauthenticate_webauthn": "ConfirmWithPasskey",
        "login_webauthn": "SignInWithPasskey",
    }.items()
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Security headers. Scripts and styles are files of ours: nothing inline runs, nothing comes from elsewhere.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = SITE_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
# Browsers accept cookies with these names only from our own host, so no preview below our domain can set them.
if SESSION_COOKIE_SECURE:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_configuration(CONFIGURATION.log_level, CONFIGURATION.log_format)
