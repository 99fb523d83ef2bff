"""Django's record of this app."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.projects"
    label = "projects"
    default_auto_field = "django.db.models.BigAutoField"
