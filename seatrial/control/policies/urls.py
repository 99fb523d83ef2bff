"""Addresses of the pages of evaluations. `home.urls` passes in how to link to a preview: see `pages.PreviewOf`."""

from django.urls import path

from seatrial.control.policies import pages

app_name = "policies"
urlpatterns = [
    path("evaluations/<str:key>", pages.evaluation, name="evaluation"),
    path("evaluations/<str:key>/run", pages.run_again, name="run_again"),
    path("evaluations/<str:key>/stream", pages.evaluation_stream, name="evaluation_stream"),
]
