"""The rows that `bench.fairness` measures on: evaluations of two workspaces, and the jobs that agents see."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from seatrial.wire import subjects
from seatrial.wire.evaluations import EvaluationFinished, EvaluationStarted, PolicyResult
from seatrial.wire.states import EvaluationState, ResultState

if TYPE_CHECKING:
    from seatrial.control.projects.models import PullRequest

AGENT = "bench"


def pull_request() -> "PullRequest":
    """In a workspace of its own."""
    from tests import factories as make

    return make.pull_request(make.project(make.workspace()))


def ask(pull: "PullRequest") -> str:
    """An evaluation is asked for; its id. The code host's facts are there already."""
    from django.db import transaction
    from django.utils import timezone

    from seatrial.control.forges.models import FactsSnapshot
    from seatrial.control.outbox import services as outbox
    from seatrial.control.outbox.services import Instruction
    from seatrial.wire.evaluations import ForgeFacts
    from tests import factories as make

    with transaction.atomic():
        commit = make.sha()
        facts = ForgeFacts().model_dump(mode="json")
        FactsSnapshot.objects.create(
            project=pull.project, commit=commit, facts=facts, taken_at=timezone.now()
        )
        row = make.evaluation(pull, state="queued", commit=commit, base_commit="b" * 40)
        row.versions.set([make.policy(pull.project.workspace)])
        outbox.instruct(Instruction.FACTS, evaluation=row.pk)
    return str(row.pk)


def jobs(taken: Collection[str]) -> list[str]:
    """The evaluations of which jobs were published and not taken, in their order."""
    from seatrial.control.outbox.models import OutboxMessage

    prefix = subjects.evaluation_jobs("")
    published = OutboxMessage.objects.filter(subject__startswith=prefix).order_by("id")
    found = published.values_list("body__payload__evaluation", flat=True)
    return [one for one in found if one not in taken]


def finish(evaluation: str) -> None:
    """An agent took it, and reports that each policy passed."""
    from seatrial.control.policies import results
    from seatrial.control.policies.models import Evaluation

    versions = Evaluation.objects.get(pk=evaluation).versions.values_list("pk", "policy__slug")
    passed = [
        PolicyResult(version_id=version, slug=slug, state=ResultState.PASSED, score=100, message="fine")
        for version, slug in versions
    ]
    results.started(AGENT, EvaluationStarted(evaluation=evaluation))
    done = EvaluationFinished(evaluation=evaluation, state=EvaluationState.PASSED, results=passed)
    results.finished(AGENT, done)
