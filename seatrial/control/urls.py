"""Every address of the site."""

from django.urls import URLPattern, URLResolver, include, path

from seatrial.control.api import unknown, urls
from seatrial.control.installation.health import healthz

handler500 = "seatrial.control.error_pages.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", urls()),
    path("api/v1/<path:path>", unknown),
    path("", include("seatrial.control.home.urls")),
]
