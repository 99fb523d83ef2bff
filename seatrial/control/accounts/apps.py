"""Django's record of this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to sign-ins."""
        from seatrial.control.accounts import sign_ins

        sign_ins.connect()
