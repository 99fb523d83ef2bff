"""Django's record of this app."""

from django.apps import AppConfig


class BadgesConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.badges"
    label = "badges"
    default_auto_field = "django.db.models.BigAutoField"
