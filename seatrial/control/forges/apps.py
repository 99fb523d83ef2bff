"""Django's record of this app."""

from django.apps import AppConfig


class ForgesConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.forges"
    label = "forges"
    default_auto_field = "django.db.models.BigAutoField"
