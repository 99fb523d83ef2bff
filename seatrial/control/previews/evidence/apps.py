"""Django's record of this app."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.previews.evidence"
    label = "evidence"
    default_auto_field = "django.db.models.BigAutoField"
