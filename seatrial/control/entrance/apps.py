"""Django's record of this app."""

from django.apps import AppConfig


class EntranceConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.entrance"
    label = "entrance"
    default_auto_field = "django.db.models.BigAutoField"
