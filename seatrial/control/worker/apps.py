"""Django's record of this app."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.worker"
    label = "worker"
    default_auto_field = "django.db.models.BigAutoField"
