"""Addresses of badges. The public one names nothing but its token."""

from django.urls import path

from seatrial.control.policies.badges import pages

app_name = "badges"
urlpatterns = [
    path("badge/<str:token>.svg", pages.public, name="public"),
    path("projects/<str:key>/badge.svg", pages.private, name="private"),
    path("projects/<str:key>/badge", pages.badge, name="badge"),
    path("projects/<str:key>/badge/publish", pages.publish, name="publish"),
    path("projects/<str:key>/badge/withdraw", pages.withdraw, name="withdraw"),
]
