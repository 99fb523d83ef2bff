"""Addresses of the pages on which policies are rolled out."""

from django.urls import path

from seatrial.control.policies.rollout import pages

app_name = "rollout"
_ONE = "policies/<str:workspace>/<str:slug>"
urlpatterns = [
    path(f"{_ONE}/rollout", pages.rollout, name="rollout"),
    path(f"{_ONE}/level", pages.level, name="level"),
    path(f"{_ONE}/ratchet", pages.ratchet, name="ratchet"),
    path(f"{_ONE}/attach", pages.attach, name="attach"),
    path(f"{_ONE}/exclude", pages.exclude, name="exclude"),
    path(f"{_ONE}/detach/<str:key>", pages.detach, name="detach"),
]
