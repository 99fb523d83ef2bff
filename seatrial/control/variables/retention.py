"""Deletes variables that were changed or unset, once no preview has a deployment that began with them."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q

from seatrial.control import keeping
from seatrial.control.previews.models import Deployment
from seatrial.control.projects.models import Variable
from seatrial.wire.states import EnvironmentState


def prune(now: datetime) -> int:
    """Returns how many rows are gone. What is live, in progress or kept after a stop may ask for its variables again."""
    desired = [Q(pk=F(f"environment__{name}")) for name in ("live", "candidate", "kept")]
    in_use = Deployment.objects.filter(
        desired[0] | desired[1] | desired[2],
        environment__project__workspace=OuterRef("workspace"),
        created_at__lt=OuterRef("ended_at"),
    ).exclude(environment__state=EnvironmentState.TERMINATED)
    of_project = in_use.filter(environment__project=OuterRef("project"))
    ended = Variable.objects.filter(ended_at__lt=now)
    over = Q(~Exists(in_use), project=None) | Q(~Exists(of_project), project__isnull=False)
    return keeping.delete(ended.filter(over))
