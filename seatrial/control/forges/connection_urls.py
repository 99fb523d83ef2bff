"""Pages of connections."""

from django.urls import path

from seatrial.control.forges import connecting_pages, connection_pages

app_name = "connections"
urlpatterns = [
    path("connections", connection_pages.connections, name="connections"),
    path("connections/new", connecting_pages.kinds, name="new"),
    path("connections/new/<str:kind>", connecting_pages.connect, name="connect"),
    path("connections/<str:key>", connection_pages.connection, name="connection"),
    path("connections/<str:key>/access", connecting_pages.access, name="access"),
    path("connections/<str:key>/repositories", connecting_pages.repositories, name="repositories"),
    path("connections/<str:key>/test", connection_pages.test, name="test"),
    path("connections/<str:key>/name", connection_pages.name, name="name"),
    path("connections/<str:key>/credential", connection_pages.credential, name="credential"),
    path("connections/<str:key>/rotate", connection_pages.rotate, name="rotate"),
]
