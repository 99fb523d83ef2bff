"""Django's record of this app."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.notices"
    label = "notices"
    default_auto_field = "django.db.models.BigAutoField"
