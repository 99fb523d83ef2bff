"""Django's record of this app."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.home"
    label = "home"
    default_auto_field = "django.db.models.BigAutoField"
