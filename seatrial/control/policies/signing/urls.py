"""The address of signed results, for people."""

from django.urls import path

from seatrial.control.policies.signing import pages

app_name = "signing"
urlpatterns = [path("evaluations/<str:key>/attestation", pages.attestation, name="attestation")]
