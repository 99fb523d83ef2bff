"""Pull requests with everything a card shows, in a constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from seatrial.control.accounts.access import Action, workspaces
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.states import Face, Tone
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.newest import newest_deployments
from seatrial.control.previews.pages.addresses import Address, addresses
from seatrial.control.previews.pages.headline import headline, headline_state
from seatrial.control.previews.recipes import FIRST
from seatrial.control.previews.waits import Wait, waits
from seatrial.control.previews.withheld import Withheld, fix, why, withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.states import DeploymentState, EnvironmentState, EvaluationState
from seatrial.wire.words import EventKind

NOT_PASSED = {EvaluationState.FAILED, EvaluationState.ERRORED, EvaluationState.TIMED_OUT}


@dataclass(frozen=True)
class Further:
    """A preview by a further recipe, and its newest attempt."""

    environment: Environment
    newest: Deployment | None

    @property
    def face(self) -> Face:
        """Its state as a person sees it."""
        return headline(self.environment, self.newest)

    @property
    def address(self) -> Address | None:
        """The main address, once something answers there."""
        return next(iter(addresses(self.environment)), None)


@dataclass(frozen=True)
class Card:
    """One pull request: its preview by the first recipe, its newest attempt, and its newest verdicts: on its commit, and on its preview."""

    pull_request: PullRequest
    environment: Environment | None
    newest: Deployment | None
    evaluation: Evaluation | None
    floating: Evaluation | None
    wait: Wait | None  # of its preview
    reason: Withheld | None = None  # why it gets none, while it is open
    may_approve: bool = False  # whether the reader may approve its commit, where that is the reason
    further: Sequence[Further] = ()  # those by other recipes that are not gone

    @property
    def withheld(self) -> str:
        """Why it gets no preview, for people; empty if it gets one."""
        return why(self.reason, self.pull_request) if self.reason else ""

    @property
    def fix(self) -> str:
        """What people can do about that."""
        return fix(self.reason, self.pull_request) if self.reason else ""

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
        """True when the newest attempt failed or one of the newest verdicts is not passed."""
        failed = any(one.state == DeploymentState.FAILED for one in self._attempts)
        return failed or any(one.state in NOT_PASSED for one in self.verdicts)

    @property
    def verdicts(self) -> list[Evaluation]:
        """Those that there are."""
        return [one for one in (self.evaluation, self.floating) if one is not None]

    @property
    def busy(self) -> bool:
        """True while something is in progress."""
        return (
            self.face.tone is Tone.WAITING
            or any(one.face.tone is Tone.WAITING for one in self.further)
            or any(not DeploymentState(one.state).terminal for one in self._attempts)
            or any(not EvaluationState(one.state).terminal for one in self.verdicts)
        )

    @property
    def _attempts(self) -> list[Deployment]:
        """The newest one by each recipe that there is one of."""
        newest = [self.newest, *(one.newest for one in self.further)]
        return [one for one in newest if one is not None]


def cards(pull_requests: QuerySet[PullRequest], *, user: User, limit: int) -> list[Card]:
    """The newest `limit` of `pull_requests` as cards for `user`, in the order of the query set."""
    approves = {one.pk for one in workspaces(user, Action.APPROVE_FORK)}
    rows = list(pull_requests.select_related("project__workspace", "project__connection")[:limit])
    ids = [row.pk for row in rows]
    environments = {
        (environment.pull_request_id, environment.recipe): environment
        for environment in Environment.objects.filter(pull_request__in=ids)
        .select_related("live", "candidate")
        .order_by("created_at", "id")
    }
    shown = [environment.pk for environment in environments.values()]
    deployments, waiting = newest_deployments(shown), waits(shown)
    judged = _newest(Evaluation.objects.filter(pull_request__in=ids))
    listed = []
    for row in rows:
        environment = environments.get((row.pk, FIRST))
        newest = deployments.get(environment.pk) if environment else None
        if newest is not None:
            environment = newest.environment  # of the same moment
        wait = waiting.get(environment.pk) if environment else None
        reason = withheld(row) if row.state == PullRequestState.OPEN else None
        may = reason is Withheld.FORK and row.project.workspace_id in approves
        said = (judged.get((row.pk, False)), judged.get((row.pk, True)))
        further = [
            _further(one, deployments.get(one.pk))
            for (of, recipe), one in sorted(environments.items())
            if of == row.pk and recipe != FIRST and one.state != EnvironmentState.TERMINATED
        ]
        listed.append(Card(row, environment, newest, *said, wait, reason, may, further))
    return listed


def _further(environment: Environment, newest: Deployment | None) -> Further:
    return Further(newest.environment if newest is not None else environment, newest)


def _newest(rows: QuerySet[Evaluation]) -> dict[tuple[str, bool], Evaluation]:
    """By the id of their pull request, and whether they are about its preview. One query."""
    found: dict[tuple[str, bool], Evaluation] = {}
    of_each_event = rows.order_by("pull_request", "event", "-id").distinct("pull_request", "event")
    for one in sorted(of_each_event, key=lambda row: row.pk):
        found[str(one.pull_request_id), one.event == EventKind.PREVIEW] = one
    return found
