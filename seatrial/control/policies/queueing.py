"""The job of an evaluation: published once the facts of its commit are known."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.forges.sources import source
from seatrial.control.outbox import services as outbox
from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadCriteria
from seatrial.control.policies.models import Evaluation, PolicyVersion
from seatrial.control.policies.network.services import withhold_network
from seatrial.control.policies.results import NOTHING_RAN, lost
from seatrial.wire import subjects
from seatrial.wire.errors import MalformedMessage
from seatrial.wire.evaluations import ForgeFacts, PolicyToRun, RunEvaluation
from seatrial.wire.previews import Preview
from seatrial.wire.states import EvaluationState

# The evaluation was asked for, but its job is not published yet: it is not superseded, and no agent knows it.
WAITS_FOR_FACTS: dict[str, Any] = {"state": EvaluationState.QUEUED, "queued_at": None}


@transaction.atomic
def queue(evaluation_id: str, facts: ForgeFacts, preview: Preview | None = None) -> None:
    """Publish the job with its facts, and with the `preview` that live policies look at, unless the evaluation has ended (superseded) or its job is published already. Idempotent.

    Policies that ask for a network that their workspace does not permit now are errored here, and no agent gets them.
    """
    evaluation = _waiting(evaluation_id)
    if evaluation is None:
        return
    evaluation.queued_at = timezone.now()
    evaluation.waits_for = ""
    evaluation.save(update_fields=["queued_at", "waits_for"])
    withhold_network(evaluation)
    if not _to_do(evaluation).exists():
        lost(evaluation, NOTHING_RAN)
        return
    try:
        outbox.publish(
            subjects.evaluation_jobs(evaluation.project.workspace_id),
            _job(evaluation, facts, preview),
            workspace=evaluation.project.workspace_id,
            about=f"evaluation/{evaluation.pk}",
        )
    except MalformedMessage as error:
        lost(evaluation, f"The policies are too big to send to an agent together: {error}")


def note_waiting(evaluation_id: str, what: str) -> None:
    """Show on the evaluation `what` it waits for, as it reads after "waits for"; does nothing once it does not wait any more."""
    Evaluation.objects.filter(pk=evaluation_id, **WAITS_FOR_FACTS).update(waits_for=what)


@transaction.atomic
def give_up_waiting(evaluation_id: str, why: str) -> None:
    """End it as errored, because its facts will not come; does nothing once it does not wait any more."""
    evaluation = _waiting(evaluation_id)
    if evaluation is not None:
        lost(evaluation, why)


def _waiting(evaluation_id: str) -> Evaluation | None:
    rows = Evaluation.objects.select_for_update(of=("self",)).select_related("project__connection")
    return rows.filter(pk=evaluation_id, **WAITS_FOR_FACTS).first()


def _job(evaluation: Evaluation, facts: ForgeFacts, preview: Preview | None) -> RunEvaluation:
    project = evaluation.project
    versions = _to_do(evaluation).select_related("policy")
    pull_request = evaluation.pull_request
    return RunEvaluation(
        evaluation=evaluation.pk,
        workspace=project.workspace_id,
        project=project.pk,
        repository=project.pk,
        source=source(project),
        commit=evaluation.commit,
        ref=evaluation.ref,
        event=evaluation.event,
        base_commit=evaluation.base_commit,
        number=pull_request.number if pull_request is not None else None,
        policies=[_to_run(version) for version in versions.order_by("policy__slug")],
        facts=facts,
        preview=preview,
        fresh=evaluation.rescan_targets.filter(rescan__fresh=True).exists(),
    )


def _to_do(evaluation: Evaluation) -> QuerySet[PolicyVersion]:
    return evaluation.versions.exclude(results__evaluation=evaluation)


def _to_run(version: PolicyVersion) -> PolicyToRun:
    return PolicyToRun(
        version_id=version.pk,
        slug=version.policy.slug,
        code=version.code,
        digest=version.digest,
        params=version.params,
        languages=_languages(version.policy.criteria),
        network=version.network,
        live=version.live,
    )


def _languages(criteria: Any) -> list[str]:
    """Those of criteria that were right when the policy was chosen; if they are not any more, it runs as it was chosen."""
    try:
        return list(check_criteria(criteria).languages)
    except BadCriteria:
        return []
