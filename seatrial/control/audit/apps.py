"""Django's record of this app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
