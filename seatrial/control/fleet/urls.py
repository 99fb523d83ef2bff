"""Addresses of the agents' pages. `home.urls` passes in how to count the previews on each agent: see `pages.Placed`."""

from django.urls import path

from seatrial.control.fleet import inviting, pages

app_name = "fleet"
urlpatterns = [
    path("agents", pages.agents, name="agents"),
    path("agents/new", inviting.new_agent, name="new_agent"),
    path("agents/stream", pages.agents_stream, name="agents_stream"),
]
