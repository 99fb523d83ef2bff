"""Django's record of this app."""

from django.apps import AppConfig


class ScoresConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.scores"
    label = "scores"
    default_auto_field = "django.db.models.BigAutoField"
