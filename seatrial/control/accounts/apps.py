"""Django's record of this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make our providers known to allauth, listen to sign-ins, and tell the vault what is sealed."""
        from allauth.socialaccount.providers import registry

        from seatrial.control.accounts import sign_ins
        from seatrial.control.accounts.providers.pages import PROVIDERS
        from seatrial.control.accounts.second_factor import audited
        from seatrial.control.accounts.second_factor.sealed import SecondFactorColumn
        from seatrial.control.vault import columns

        for provider in PROVIDERS:
            registry.register(provider)
        sign_ins.connect()
        audited.connect()
        columns.register(SecondFactorColumn())
