"""Addresses of the pages on which policies are written."""

from django.urls import path

from seatrial.control.policies.authoring import pages

app_name = "authoring"
urlpatterns = [path("policies", pages.policies, name="policies")]
