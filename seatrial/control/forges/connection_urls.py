"""Pages of connections."""

from django.urls import path

from seatrial.control.forges import connection_pages as pages
from seatrial.control.forges.github import app_pages

app_name = "connections"
urlpatterns = [
    path("connections", pages.connections, name="connections"),
    path("connections/github-app", app_pages.connect, name="github-app"),
    path("connections/github-app/create", app_pages.create, name="github-app-create"),
    path("connections/github-app/made", app_pages.made, name="github-app-made"),
    path("connections/<str:key>/installed", app_pages.installed, name="github-app-installed"),
    path("connections/<str:key>/private-key", app_pages.replace_key, name="github-app-key"),
    path("connections/<str:key>", pages.connection, name="connection"),
    path("connections/<str:key>/choose", pages.choose, name="choose"),
    path("connections/<str:key>/test", pages.test, name="test"),
    path("connections/<str:key>/rotate", pages.rotate, name="rotate"),
]
