"""Django's record of this app."""

from django.apps import AppConfig


class RegistriesConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.registries"
    label = "registries"
    default_auto_field = "django.db.models.BigAutoField"
