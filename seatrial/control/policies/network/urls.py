"""Addresses of the page Policies."""

from django.urls import path

from seatrial.control.policies.network import pages

app_name = "network"
urlpatterns = [
    path("policies", pages.policies, name="policies"),
    path("policies/network/<str:key>/permit", pages.permit, name="permit"),
    path("policies/network/<str:key>/forbid", pages.forbid, name="forbid"),
]
