"""Addresses of the pages on which policies are rolled out."""

from django.urls import path

from seatrial.control.policies.rollout import pages

app_name = "rollout"
_ONE = "policies/<str:workspace>/<str:slug>"
urlpatterns = [
    path(f"{_ONE}/rollout", pages.rollout, name="rollout"),
    path(f"{_ONE}/level", pages.level, name="level"),
]
