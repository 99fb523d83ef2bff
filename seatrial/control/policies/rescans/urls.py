"""Addresses of the pages of re-scans."""

from django.urls import path

from seatrial.control.policies.rescans import pages

app_name = "rescans"
urlpatterns = [
    path("policies/rescans", pages.rescans, name="rescans"),
    path("rescans/<str:key>", pages.rescan, name="rescan"),
    path("rescans/<str:key>/stream", pages.rescan_stream, name="rescan_stream"),
    path("rescans/<str:key>/stop", pages.stop, name="stop"),
    path("projects/<str:key>/rescan", pages.of_project, name="of_project"),
    path("rescans/of-policy/<str:key>", pages.of_policy, name="of_policy"),
    path("rescans/of-workspace/<str:key>", pages.of_workspace, name="of_workspace"),
]
