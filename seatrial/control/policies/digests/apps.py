"""Django's record of this app."""

from django.apps import AppConfig


class DigestsConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.digests"
    label = "digests"
    default_auto_field = "django.db.models.BigAutoField"
