"""Addresses of the files that an evaluation's page offers."""

from django.urls import path

from seatrial.control.policies.reports import pages

app_name = "reports"
urlpatterns = [
    path("evaluations/<str:key>/report/<str:wanted>", pages.report, name="report"),
]
