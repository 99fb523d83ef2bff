"""Django's record of this app."""

from django.apps import AppConfig


class OAuthConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.forges.oauth"
    label = "forge_oauth"
    default_auto_field = "django.db.models.BigAutoField"
