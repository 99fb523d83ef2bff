"""Django's record of this app."""

from django.apps import AppConfig


class ForgesConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.forges"
    label = "forges"
    default_auto_field = "django.db.models.BigAutoField"
