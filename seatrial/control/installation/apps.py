"""Django's record of this app."""

from django.apps import AppConfig


class InstallationConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.installation"
    label = "installation"
