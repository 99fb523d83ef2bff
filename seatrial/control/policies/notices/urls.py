"""Addresses of the page Notices."""

from django.urls import path

from seatrial.control.policies.notices import pages

app_name = "notices"
urlpatterns = [
    path("policies/notices", pages.notices, name="notices"),
    path("policies/notices/<str:key>/subscribe", pages.subscribe, name="subscribe"),
    path("policies/notices/<str:key>/remove", pages.remove, name="remove"),
    path("policies/notices/<str:key>/try", pages.try_address, name="try"),
    path("policies/notices/<str:key>/again/<str:notice>", pages.again, name="again"),
]
