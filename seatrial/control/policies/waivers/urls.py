"""Addresses of the pages of waivers."""

from django.urls import path

from seatrial.control.policies.waivers import pages

app_name = "waivers"
urlpatterns = [
    path("waivers", pages.waivers, name="waivers"),
    path("waivers/<str:key>", pages.waiver, name="waiver"),
    path("waivers/<str:key>/approve", pages.approve, name="approve"),
    path("waivers/<str:key>/reject", pages.reject, name="reject"),
    path("waivers/<str:key>/withdraw", pages.withdraw, name="withdraw"),
    path("evaluations/<str:key>/waive/<str:policy>", pages.request_waiver, name="request"),
]
