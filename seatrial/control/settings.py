"""Django's settings, derived from `Configuration`. No other module reads the environment."""

from pathlib import Path

from seatrial.control.configuration import Configuration

CONFIGURATION = Configuration()

BASE_DIR = Path(__file__).resolve().parent
DEBUG = CONFIGURATION.debug
SECRET_KEY = CONFIGURATION.secret_key.get_secret_value() or "unset"
ALLOWED_HOSTS = ["*"]  # Traefik and the forge reach this server by names that only the operator knows
SITE_URL = CONFIGURATION.site_url.rstrip("/")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "seatrial.control.vault",
    "seatrial.control.outbox",
    "seatrial.control.audit",
    "seatrial.control.accounts",
    "seatrial.control.projects",
    "seatrial.control.forges",
    "seatrial.control.fleet",
    "seatrial.control.previews",
    "seatrial.control.policies",
    "seatrial.control.worker",
    "seatrial.control.dashboard",
]
AUTH_USER_MODEL = "accounts.User"
ROOT_URLCONF = "seatrial.control.urls"
ASGI_APPLICATION = "seatrial.control.asgi.application"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": CONFIGURATION.db_host,
        "PORT": str(CONFIGURATION.db_port),
        "NAME": CONFIGURATION.db_name,
        "USER": CONFIGURATION.db_user,
        "PASSWORD": CONFIGURATION.db_password.get_secret_value(),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "allauth.account.adapter.DefaultAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = SITE_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
