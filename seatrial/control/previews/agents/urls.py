"""Addresses of one agent. They come after those of `fleet`, which has `agents/new` and `agents/stream`."""

from django.urls import path

from seatrial.control.previews.agents import pages

app_name = "agents"
urlpatterns = [
    path("agents/<str:key>", pages.agent, name="agent"),
    path("agents/<str:key>/stream", pages.agent_stream, name="agent_stream"),
    path("agents/<str:key>/drain", pages.drain, name="drain"),
    path("agents/<str:key>/undrain", pages.undrain, name="undrain"),
    path("agents/<str:key>/revoke", pages.revoke, name="revoke"),
    path("agents/<str:key>/remove", pages.remove, name="remove"),
]
