"""Addresses of the pages about variables, the same for projects and workspaces."""

from django.urls import path

from seatrial.control.variables import pages

app_name = "variables"
urlpatterns = [
    path("<scope:kind>/<str:key>/variables", pages.variables, name="variables"),
    path("<scope:kind>/<str:key>/variables/reveal", pages.reveal, name="reveal"),
    path("<scope:kind>/<str:key>/variables/unset", pages.unset, name="unset"),
    path("<scope:kind>/<str:key>/variables/redeploy", pages.again, name="redeploy"),
]
