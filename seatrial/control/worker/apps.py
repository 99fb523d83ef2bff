"""Django's record of this app."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.worker"
    label = "worker"
    default_auto_field = "django.db.models.BigAutoField"
