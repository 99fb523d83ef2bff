"""Django's record of this app."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Named by its noun."""

    name = "seatrial.control.projects"
    label = "projects"
    default_auto_field = "django.db.models.BigAutoField"
