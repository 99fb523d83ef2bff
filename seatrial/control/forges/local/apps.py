"""Django's record of this app."""

from django.apps import AppConfig


class LocalForgeConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.forges.local"
    label = "local_forge"
    default_auto_field = "django.db.models.BigAutoField"
