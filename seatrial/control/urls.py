"""Every address of the site."""

from django.urls import URLPattern, URLResolver, include, path
from ninja import Schema
from ninja.params.models import ParamModel
from pydantic import BaseModel

# Before any is defined: each of the hundreds of schemas is compiled when it is first used, not all of them at every start.
_late: list[type[BaseModel]] = [Schema, *ParamModel.__subclasses__()]
for _kind in _late:
    _kind.model_config["defer_build"] = True

from seatrial.control.api import unknown, urls, webhook_urls  # noqa: E402
from seatrial.control.assistants.view import mcp  # noqa: E402
from seatrial.control.installation.health import healthz  # noqa: E402

handler400 = "seatrial.control.error_pages.bad_request"
handler403 = "seatrial.control.error_pages.not_allowed"
handler404 = "seatrial.control.error_pages.not_found"
handler500 = "seatrial.control.error_pages.server_error"
_api = urls()
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("mcp", mcp, name="mcp"),
    path("api/v1/", _api),
    *webhook_urls(_api[0]),
    path("api/v1/<path:path>", unknown),
    path("", include("seatrial.control.home.urls")),
]
