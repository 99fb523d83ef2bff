"""Has the previews of a project follow its settings, or what became of its repository."""

from django.db import transaction

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews import services as previews
from seatrial.control.previews.lifecycle import wake_routes
from seatrial.control.previews.models import Environment
from seatrial.control.previews.withheld import withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.states import EnvironmentState


def follow(body: dict[str, str]) -> None:
    """Make the preview of every open pull request of the project in `body` what it should be now, and report it. Idempotent.

    There is one transaction per pull request; after a crash, the next call does the rest.
    """
    for environment in Environment.objects.filter(project=body["project"]).exclude(
        state=EnvironmentState.TERMINATED
    ):
        with transaction.atomic():
            wake_routes(environment)  # its callback host may have come or gone
    rows = PullRequest.objects.filter(project=body["project"], state=PullRequestState.OPEN)
    rows = rows.select_related("project")
    for pull_request in rows.order_by("number"):
        with transaction.atomic():
            previews.pull_request_changed(pull_request)
            if withheld(pull_request) is not None:  # what begins or ends reports itself
                outbox.instruct(Instruction.REPORT, pull_request=pull_request.pk)
