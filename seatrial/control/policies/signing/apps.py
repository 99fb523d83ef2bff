"""Django's record of this app."""

from django.apps import AppConfig


class SigningConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.policies.signing"
    label = "signing"
    default_auto_field = "django.db.models.BigAutoField"
