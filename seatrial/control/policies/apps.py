"""Django's record of this app."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies"
    label = "policies"
    default_auto_field = "django.db.models.BigAutoField"
