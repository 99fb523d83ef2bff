"""Addresses of the pages about variables, the same for projects and workspaces."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from seatrial.control.variables import pages


class Kind(StringConverter):
    """What has variables."""

    regex = "projects|workspaces"


register_converter(Kind, "variables_of")

app_name = "variables"
urlpatterns = [
    path("<variables_of:kind>/<str:key>/variables", pages.variables, name="variables"),
    path("<variables_of:kind>/<str:key>/variables/reveal", pages.reveal, name="reveal"),
    path("<variables_of:kind>/<str:key>/variables/unset", pages.unset, name="unset"),
    path("<variables_of:kind>/<str:key>/variables/redeploy", pages.again, name="redeploy"),
]
