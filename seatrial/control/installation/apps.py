"""Django's record of this app."""

from django.apps import AppConfig


class InstallationConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.installation"
    label = "installation"
