"""GitHub's deployments: a preview is one environment there, which the pull request's page links to."""

from collections.abc import Callable
from itertools import islice

import structlog

from seatrial.control.forges.github.answers import DeploymentAnswer, DeploymentStatusAnswer, Made
from seatrial.control.forges.github.client import GitHubClient, NotAllowed
from seatrial.control.forges.github.statuses import one_line
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import DeploymentReport
from seatrial.wire.states import DeploymentState

log = structlog.get_logger(__name__)

INACTIVE = "inactive"
STATES = {
    DeploymentState.QUEUED: "queued",
    DeploymentState.BUILDING: "in_progress",
    DeploymentState.STARTING: "in_progress",
    DeploymentState.LIVE: "success",
    DeploymentState.FAILED: "failure",
    DeploymentState.SUPERSEDED: INACTIVE,
    DeploymentState.CANCELLED: INACTIVE,
}
LOOKED_AT = 10  # the newest deployments of an environment; older ones were seen to when they were among them


class Deployments:
    """The deployments of one connection's repositories. Thread-safe: nobody shows the same pull request twice at once.

    A credential without the right to deployments is logged once for each repository, and then not tried again: all other
    reports go on. When the connection's row changes, this object is replaced, and it is tried again.
    """

    def __init__(self, client: Callable[[], GitHubClient]) -> None:
        self._client = client
        self._refused: set[str] = set()
        self._inactive: set[int] = set()

    def show(self, repository: str, report: DeploymentReport) -> None:
        """Show the preview as `report` says, and everything before it in its environment as inactive. Idempotent."""
        if repository in self._refused:
            return
        try:
            self._show(repository, report)
        except (NotAllowed, NoSuchThing) as error:
            self._refused.add(repository)
            log.warning(
                "no deployment is shown at GitHub: give the credential the permission Deployments (read and write)",
                repository=repository,
                error=str(error),
            )

    def _show(self, repository: str, report: DeploymentReport) -> None:
        path = f"{repository}/deployments"
        found = self._client().pages(path, DeploymentAnswer, environment=report.environment)
        known = list(islice(found, LOOKED_AT))
        current = next((one for one in known if one.sha == report.commit), None)
        state = INACTIVE if report.ended else STATES[report.state]
        if current is None and state != INACTIVE:
            made = self._client().send("POST", path, _body(report), Made)
            current = DeploymentAnswer(id=made.id, sha=report.commit)
        if current is not None:
            self._inactive.discard(current.id)
            self._state(f"{path}/{current.id}/statuses", state, report)
        if state == INACTIVE or report.state is DeploymentState.LIVE:
            self._end(path, [one for one in known if one != current], report)

    def _end(self, path: str, before: list[DeploymentAnswer], report: DeploymentReport) -> None:
        for one in before:
            if one.id not in self._inactive:
                self._state(f"{path}/{one.id}/statuses", INACTIVE, report)
                self._inactive.add(one.id)

    def _state(self, path: str, state: str, report: DeploymentReport) -> None:
        """Add a state, unless it is the newest one."""
        url = next(iter(report.urls.values()), "") if state != INACTIVE else ""
        states = islice(self._client().pages(path, DeploymentStatusAnswer), LOOKED_AT)
        newest = max(states, key=lambda one: one.id, default=None)
        if newest is not None and newest.state == state and newest.environment_url == url:
            return
        sent: dict[str, object] = {"state": state, "log_url": report.page_url, "auto_inactive": False}
        if url:
            sent["environment_url"] = url
        if state != INACTIVE:
            sent["description"] = one_line(report.description)
        self._client().send("POST", path, sent, Made)


def _body(report: DeploymentReport) -> dict[str, object]:
    """GitHub would otherwise merge the base into the commit first, and wait for its statuses, ours among them."""
    return {
        "ref": report.commit,
        "environment": report.environment,
        "description": f"The preview of pull request {report.number}",
        "auto_merge": False,
        "required_contexts": [],
        "transient_environment": True,
        "production_environment": False,
    }
