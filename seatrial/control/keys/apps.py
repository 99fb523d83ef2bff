"""Django's record of this app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.keys"
    label = "keys"
    default_auto_field = "django.db.models.BigAutoField"
