"""Pages of projects. Whoever includes them says how many previews run: `{"running": ...}`, see `pages.Running`."""

from django.urls import path

from seatrial.control.projects import pages

app_name = "projects"
urlpatterns = [path("projects", pages.projects, name="projects")]
