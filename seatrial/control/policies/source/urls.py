"""Addresses of the page Git, and of what is done there."""

from django.urls import path

from seatrial.control.policies.source import pages

app_name = "source"
urlpatterns = [
    path("policies/git/reviews/<str:key>", pages.review, name="review"),
    path("policies/git", pages.source, name="source"),
    path("policies/git/<str:key>/set", pages.set_source, name="set"),
    path("policies/git/<str:key>/sync", pages.sync, name="sync"),
    path("policies/git/<str:key>/remove", pages.remove, name="remove"),
    path("policies/<str:workspace>/<str:slug>/kept", pages.stand, name="stand"),
]
