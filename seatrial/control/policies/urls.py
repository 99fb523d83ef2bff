"""Pages of evaluations. Whoever includes them says where previews are: `{"preview_of": ...}`, see `pages.PreviewOf`."""

from django.urls import path

from seatrial.control.policies import pages

app_name = "policies"
urlpatterns = [
    path("evaluations/<str:key>", pages.evaluation, name="evaluation"),
    path("evaluations/<str:key>/stream", pages.evaluation_stream, name="evaluation_stream"),
]
