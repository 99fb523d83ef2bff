"""Django's record of this app."""

from django.apps import AppConfig


class LocalForgeConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.forges.local"
    label = "local_forge"
    default_auto_field = "django.db.models.BigAutoField"
