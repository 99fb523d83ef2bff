"""Django's record of this app."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.triggers"
    label = "triggers"
    default_auto_field = "django.db.models.BigAutoField"
