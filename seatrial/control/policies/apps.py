"""Django's record of this app."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.policies"
    label = "policies"
    default_auto_field = "django.db.models.BigAutoField"
