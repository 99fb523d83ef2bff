"""Addresses of the gatekeeper, of whoever comes from there, and of who gets in."""

from django.urls import path

from seatrial.control.entrance import entering, gatekeeper, pages

app_name = "entrance"
urlpatterns = [
    path("preview-gate", gatekeeper.gatekeeper, name="gatekeeper"),
    path("environments/<str:key>/enter", entering.enter, name="enter"),
    path("environments/<str:key>/guests", pages.guest_links, name="guests"),
    path("guests/<str:key>/revoke", pages.revoke_guest, name="revoke_guest"),
    path("projects/<str:key>/access", pages.access, name="access"),
    path("projects/<str:key>/access/apply", pages.apply, name="apply"),
    path("projects/<str:key>/access/rotate", pages.rotate, name="rotate"),
    path("projects/<str:key>/access/show", pages.show, name="show"),
    path("projects/<str:key>/access/revoke", pages.revoke, name="revoke"),
]
