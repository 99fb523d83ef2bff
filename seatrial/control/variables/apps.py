"""Django's record of this app."""

from django.apps import AppConfig


class VariablesConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.variables"
    label = "variables"
    default_auto_field = "django.db.models.BigAutoField"
