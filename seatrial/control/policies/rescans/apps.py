"""Django's record of this app."""

from django.apps import AppConfig


class RescansConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.rescans"
    label = "rescans"
    default_auto_field = "django.db.models.BigAutoField"
