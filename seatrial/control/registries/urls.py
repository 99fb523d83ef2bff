"""Where the pages of registry logins are."""

from django.urls import path

from seatrial.control.registries import pages

app_name = "registries"
urlpatterns = [
    path("<scope:kind>/<str:key>/registries", pages.registries, name="registries"),
    path("<scope:kind>/<str:key>/registries/remove", pages.remove, name="remove"),
]
