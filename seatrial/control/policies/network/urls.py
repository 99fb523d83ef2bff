"""Addresses of the page Network."""

from django.urls import path

from seatrial.control.policies.network import pages

app_name = "network"
urlpatterns = [
    path("policies/network", pages.network, name="network"),
    path("policies/network/<str:key>/permit", pages.permit, name="permit"),
    path("policies/network/<str:key>/forbid", pages.forbid, name="forbid"),
]
