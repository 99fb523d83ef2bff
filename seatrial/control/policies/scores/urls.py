"""Addresses of the pages of scores."""

from django.urls import path

from seatrial.control.policies.scores import pages

app_name = "scores"
urlpatterns = [path("policies/scores", pages.scores, name="scores")]
