"""Pages that end things: a project, a connection."""

from django.urls import path

from seatrial.control.triggers import pages

app_name = "endings"
urlpatterns = [
    path("projects/<str:key>/archive", pages.archive, name="archive"),
    path("projects/<str:key>/restore", pages.restore, name="restore"),
    path("projects/<str:key>/remove", pages.remove, name="remove"),
    path("connections/<str:key>/remove", pages.remove_connection, name="remove_connection"),
]
