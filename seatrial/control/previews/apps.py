"""Django's record of this app."""

from django.apps import AppConfig, apps
from django.conf import settings

from seatrial.control.log_tails import LogTails


class PreviewsConfig(AppConfig):
    """The name and the label of the app, and the connection that all readers of logs share."""

    name = "seatrial.control.previews"
    label = "previews"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Prepare; the connection is made for the first reader."""
        self.log_tails = LogTails(lambda: settings.CONFIGURATION)


def log_tails() -> LogTails:
    """The one LogTails of this process."""
    config = apps.get_app_config("previews")
    assert isinstance(config, PreviewsConfig)
    return config.log_tails
