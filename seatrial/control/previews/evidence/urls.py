"""Addresses of the pages of evidence."""

from django.urls import path

from seatrial.control.previews.evidence import pages

app_name = "evidence"
urlpatterns = [
    path("deployments/<str:key>", pages.deployment, name="deployment"),
    path("deployments/<str:key>/compared", pages.compared, name="compared"),
]
