"""Django's record of this app."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.fleet"
    label = "fleet"
    default_auto_field = "django.db.models.BigAutoField"
