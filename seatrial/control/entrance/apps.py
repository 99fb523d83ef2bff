"""Django's record of this app."""

from typing import Any

from django.apps import AppConfig


class EntranceConfig(AppConfig):
    """The name and the label of the app."""

    name = "seatrial.control.entrance"
    label = "entrance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Guest links end with the membership of whoever made them."""
        from seatrial.control.accounts.members import left

        left.connect(_member_left, dispatch_uid="entrance.guests")


def _member_left(sender: object, workspace: Any, user: Any, **_: Any) -> None:
    from seatrial.control.entrance import guests

    guests.end_those_of(workspace, user)
