"""Pages of connections."""

from django.urls import path

from seatrial.control.forges import connection_pages as pages
from seatrial.control.forges.deliveries import firing_pages

app_name = "connections"
urlpatterns = [
    path("connections", pages.connections, name="connections"),
    path("connections/<str:key>", pages.connection, name="connection"),
    path("connections/<str:key>/choose", pages.choose, name="choose"),
    path("connections/<str:key>/test", pages.test, name="test"),
    path("connections/<str:key>/rotate", pages.rotate, name="rotate"),
    path("connections/<str:key>/webhook", firing_pages.webhook, name="webhook"),
    path("connections/<str:key>/webhook/stream", firing_pages.webhook_stream, name="webhook_stream"),
]
