"""Django's record of this app."""

from django.apps import AppConfig


class SourceConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.source"
    label = "policy_source"
    default_auto_field = "django.db.models.BigAutoField"
