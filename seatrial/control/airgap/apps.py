"""Django's record of this app."""

from django.apps import AppConfig


class AirgapConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.airgap"
    label = "airgap"
