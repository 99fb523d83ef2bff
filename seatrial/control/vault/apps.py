"""Django's record of this app."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.vault"
    label = "vault"
    default_auto_field = "django.db.models.BigAutoField"
