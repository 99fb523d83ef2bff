"""Addresses of the projects' pages. `home.urls` passes in how to count running previews: see `pages.Running`."""

from django.urls import path

from seatrial.control.projects import pages

app_name = "projects"
urlpatterns = [path("projects", pages.projects, name="projects")]
