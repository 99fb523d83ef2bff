"""The app `certificates`."""

from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    """Its label is its folder's name."""

    name = "seatrial.control.certificates"
    label = "certificates"
