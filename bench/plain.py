"""The floor for webhooks: a plain Django view that verifies the signature and writes one row, behind the same server.

`python -m uvicorn bench.plain:application`, inside the environment of a web process. Its table is its own.
"""

import hashlib
import hmac
import json
import os

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

SECRET = os.environ["BENCH_SECRET"].encode()

settings.configure(
    SECRET_KEY="only-for-the-bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["DB_HOST"],
            "PORT": os.environ.get("DB_PORT", "5432"),
            "NAME": os.environ.get("DB_NAME", "seatrial"),
            "USER": os.environ.get("DB_USER", "seatrial"),
            "PASSWORD": os.environ.get("DB_PASSWORD", ""),
            "OPTIONS": {"pool": {"min_size": 1, "max_size": 20, "timeout": 10}},
        }
    },
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402


class Row(models.Model):
    """One webhook."""

    objects: models.Manager["Row"] = models.Manager()

    delivery = models.CharField(max_length=200, unique=True)
    event = models.CharField(max_length=100)
    headers = models.JSONField()
    body = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "plain"
        db_table = "bench_plain"

    def __str__(self) -> str:
        return self.delivery


def receive(request: HttpRequest) -> HttpResponse:
    """Verify, parse, write, answer."""
    wanted = "sha256=" + hmac.new(SECRET, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers.get("X-Hub-Signature-256", "")):
        return HttpResponse(status=401)
    json.loads(request.body)
    event = request.headers["X-GitHub-Event"]
    Row.objects.create(
        delivery=request.headers["X-GitHub-Delivery"],
        event=event,
        headers={"event": event},
        body=request.body,
    )
    return JsonResponse({"result": "accepted"}, status=202)


urlpatterns = [path("webhook", receive)]

with connection.schema_editor() as editor:
    if "bench_plain" not in connection.introspection.table_names():
        editor.create_model(Row)
connection.close()

application = get_asgi_application()
