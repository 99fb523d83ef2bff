"""Django's record of this app."""

from django.apps import AppConfig


class PreviewsConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.previews"
    label = "previews"
    default_auto_field = "django.db.models.BigAutoField"
