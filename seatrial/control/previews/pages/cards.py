"""Pull requests with everything a card shows, in a constant number of queries."""

from dataclasses import dataclass

from django.db.models import QuerySet

from seatrial.control.dashboard.states import Face, Tone
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.newest import newest_deployments
from seatrial.control.previews.pages.addresses import Address, addresses
from seatrial.control.previews.pages.headline import headline, headline_state
from seatrial.control.previews.waits import Wait, waits
from seatrial.control.projects.models import PullRequest
from seatrial.wire.states import DeploymentState, EvaluationState

NOT_PASSED = {EvaluationState.FAILED, EvaluationState.ERRORED, EvaluationState.TIMED_OUT}


@dataclass(frozen=True)
class Card:
    """One pull request: its preview, its newest attempt, and its newest verdict."""

    pull_request: PullRequest
    environment: Environment | None
    newest: Deployment | None
    evaluation: Evaluation | None
    wait: Wait | None  # of its preview

    @property
    def face(self) -> Face:
        """The preview's state as a person sees it."""
        return headline(self.environment, self.newest)

    @property
    def failed(self) -> bool:
        """Whether this state is that its deployment failed."""
        shown = headline_state(self.environment, self.newest)
        return shown == DeploymentState.FAILED

    @property
    def address(self) -> Address | None:
        """The main address, once something answers there."""
        reached_at = addresses(self.environment) if self.environment else []
        return reached_at[0] if reached_at else None

    @property
    def failing(self) -> bool:
        """True when the newest attempt failed or the newest verdict is not passed."""
        return bool(
            (self.newest and self.newest.state == DeploymentState.FAILED)
            or (self.evaluation and self.evaluation.state in NOT_PASSED)
        )

    @property
    def busy(self) -> bool:
        """True while something is in progress."""
        return self.face.tone is Tone.WAITING or bool(
            (self.newest and not DeploymentState(self.newest.state).terminal)
            or (self.evaluation and not EvaluationState(self.evaluation.state).terminal)
        )


def cards(pull_requests: QuerySet[PullRequest], *, limit: int) -> list[Card]:
    """The newest `limit` of `pull_requests` as cards, in the order of the query set."""
    rows = list(pull_requests.select_related("project", "project__workspace")[:limit])
    ids = [row.pk for row in rows]
    environments = {
        environment.pull_request_id: environment
        for environment in Environment.objects.filter(pull_request__in=ids)
        .select_related("live", "candidate")
        .order_by("created_at", "id")
    }
    shown = [environment.pk for environment in environments.values()]
    deployments, waiting = newest_deployments(shown), waits(shown)
    evaluations = {
        evaluation.pull_request_id: evaluation
        for evaluation in Evaluation.objects.filter(pull_request__in=ids)
        .order_by("pull_request", "-id")
        .distinct("pull_request")
    }
    listed = []
    for row in rows:
        environment = environments.get(row.pk)
        newest = deployments.get(environment.pk) if environment else None
        if newest is not None:
            environment = newest.environment  # of the same moment
        wait = waiting.get(environment.pk) if environment else None
        listed.append(Card(row, environment, newest, evaluations.get(row.pk), wait))
    return listed
