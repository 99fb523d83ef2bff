"""Django's record of this app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.dashboard"
    label = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"
