"""The libraries that web and worker import, but those that need Django's settings. Imported once by `tests.worker.forked`."""

import importlib
import warnings

from seatrial.lasting import lasting, without

LIBRARIES = [
    "structlog",
    "httpx",
    "nats",
    "requests",
    "cryptography.x509",
    "pydantic",
    "pydantic_settings",
    "jwt",
    "psycopg",
    "psycopg_pool",
    "django.core.handlers.asgi",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.contrib.auth.hashers",
    "dulwich.client",
    "githubkit",
    "ruamel.yaml",
    "securesystemslib.dsse",
    "uvicorn",
    "uvicorn.protocols.http.httptools_impl",
    "anyio._backends._asyncio",
    "whitenoise.base",
    "jsonschema",
    "fido2.server",
    "prometheus_client",
]
# As `seatrial.control.settings` does.
with (
    lasting(),
    warnings.catch_warnings(),
    without("aiohttp", "pygments", "rich", "chardet", "charset_normalizer"),
):
    warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")
    for library in LIBRARIES:
        importlib.import_module(library)
