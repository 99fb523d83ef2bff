"""Django's record of this app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
