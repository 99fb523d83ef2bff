"""Pages of connections."""

from django.urls import path

from seatrial.control.forges import connecting_pages, connection_pages
from seatrial.control.forges.deliveries import firing_pages
from seatrial.control.forges.github import app_pages
from seatrial.control.forges.oauth import pages as authorizing

app_name = "connections"
urlpatterns = [
    path("connections", connection_pages.connections, name="connections"),
    path("connections/new", connecting_pages.kinds, name="new"),
    path("connections/new/<str:kind>", connecting_pages.connect, name="connect"),
    path("connections/new/<str:kind>/authorize", authorizing.begin, name="authorize-new"),
    path("connections/authorized", authorizing.authorized, name="authorized"),
    path("connections/authorizations/<str:key>", authorizing.go_on, name="authorization"),
    path("connections/github-app", app_pages.connect, name="github-app"),
    path("connections/github-app/create", app_pages.create, name="github-app-create"),
    path("connections/github-app/made", app_pages.made, name="github-app-made"),
    path("connections/<str:key>/installed", app_pages.installed, name="github-app-installed"),
    path("connections/<str:key>/private-key", app_pages.replace_key, name="github-app-key"),
    path("connections/<str:key>", connection_pages.connection, name="connection"),
    path("connections/<str:key>/access", connecting_pages.access, name="access"),
    path("connections/<str:key>/repositories", connecting_pages.repositories, name="repositories"),
    path("connections/<str:key>/test", connection_pages.test, name="test"),
    path("connections/<str:key>/name", connection_pages.name, name="name"),
    path("connections/<str:key>/credential", connection_pages.credential, name="credential"),
    path("connections/<str:key>/authorize", authorizing.again, name="authorize"),
    path("connections/<str:key>/rotate", connection_pages.rotate, name="rotate"),
    path("connections/<str:key>/webhook", firing_pages.webhook, name="webhook"),
    path("connections/<str:key>/webhook/stream", firing_pages.webhook_stream, name="webhook_stream"),
]
