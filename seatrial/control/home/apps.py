"""Django's record of this app."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """Named by what its main page is."""

    name = "seatrial.control.home"
    label = "home"
    default_auto_field = "django.db.models.BigAutoField"
