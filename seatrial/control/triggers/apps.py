"""Django's record of this app."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.triggers"
    label = "triggers"
    default_auto_field = "django.db.models.BigAutoField"
