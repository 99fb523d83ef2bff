"""Deletes guest links that expired, and gates that no deployment has any more."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from seatrial.control import keeping
from seatrial.control.entrance.models import GuestLink
from seatrial.control.previews.models import Deployment
from seatrial.control.projects.models import Gate


def prune(now: datetime) -> int:
    """Returns how many rows are gone. The newest gate of a project stays."""
    expired = keeping.delete(GuestLink.objects.filter(expires_at__lt=keeping.GUEST_LINKS.horizon(now)))
    newer = Gate.objects.filter(project=OuterRef("project"), id__gt=OuterRef("id"))
    used = Deployment.objects.filter(gate=OuterRef("pk"))
    old = Gate.objects.filter(created_at__lt=keeping.HISTORY.horizon(now))
    return expired + keeping.delete(old.filter(Exists(newer), ~Exists(used)))
