"""Addresses of the pages on which glass is broken."""

from django.urls import path

from seatrial.control.policies.glass import pages

app_name = "glass"
urlpatterns = [
    path("evaluations/<str:key>/break-glass", pages.break_glass, name="break"),
    path("evaluations/<str:key>/mend-glass", pages.mend_glass, name="mend"),
]
