"""Pages of agents. Whoever includes them says how many previews are on each: `{"placed": ...}`, see `pages.Placed`."""

from django.urls import path

from seatrial.control.fleet import pages

app_name = "fleet"
urlpatterns = [
    path("agents", pages.agents, name="agents"),
    path("agents/stream", pages.agents_stream, name="agents_stream"),
]
