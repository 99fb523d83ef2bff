"""Django's record of this app."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"
