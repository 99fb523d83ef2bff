"""Pages of keys."""

from django.urls import path

from seatrial.control.keys import pages

app_name = "keys"
urlpatterns = [
    path("keys", pages.keys, name="keys"),
    path("keys/stream", pages.keys_stream, name="keys_stream"),
    path("keys/master-key/rewrap", pages.rewrap, name="rewrap"),
    path("keys/master-key/verify", pages.verify, name="verify"),
    path("keys/signing-key/rotate", pages.rotate_signing_key, name="rotate_signing_key"),
]
