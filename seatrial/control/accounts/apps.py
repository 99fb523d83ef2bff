"""Django's record of this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
