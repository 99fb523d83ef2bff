"""Django's record of this app."""

from django.apps import AppConfig


class GitLabConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.forges.gitlab"
    label = "gitlab_forge"
    default_auto_field = "django.db.models.BigAutoField"
