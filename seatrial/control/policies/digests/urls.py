"""Addresses of the pages of digests."""

from django.urls import path

from seatrial.control.policies.digests import pages

app_name = "digests"
urlpatterns = [
    path("policies/digest", pages.digest, name="digest"),
    path("policies/digest/<str:key>/time", pages.set_time, name="set_time"),
    path("digests/<str:key>", pages.past, name="past"),
]
