"""Waits for the platform to do something and shows its phases. If the platform restarts, the wait continues."""

import time
from collections.abc import Callable
from typing import Any

from seatrial.cli.api import Api, Json, PlatformAway
from seatrial.cli.errors import CommandError
from seatrial.cli.phases import Phases
from seatrial.cli.queueing import Queue
from seatrial.embedded.typed import typed
from seatrial.wire.states import DeploymentState, EvaluationState, ResultState

POLL_SECONDS = 0.3
AWAY_SECONDS = 30.0  # for which the platform may not answer: its supervisor restarts dead processes
PICKED_UP_SECONDS = 120.0
REMOVED_SECONDS = 60.0
WAITING_FOR_ROOM = "waiting for room"
TERMINAL = {state for state in DeploymentState if state.terminal}
DECIDED = {state for state in EvaluationState if state.terminal}


def until(ask: Callable[[], Any], *, seconds: float | None = None, what: str = "") -> Any:
    """Call `ask` until it returns a value; if the platform is briefly unavailable, call it again.

    `ask` must therefore be idempotent. Raises CommandError if `what` does not happen within `seconds`.
    """
    began = time.monotonic()
    away_since: float | None = None
    while True:
        try:
            answer = ask()
        except PlatformAway:
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > AWAY_SECONDS:
                raise
        else:
            away_since = None
            if answer:
                return answer
        if seconds is not None and time.monotonic() - began > seconds:
            raise CommandError(f"{what} within {seconds:.0f} s.", fix=f"See what is wrong: {typed('doctor')}")
        time.sleep(POLL_SECONDS)


def items(answer: Any) -> list[Json]:
    """The items of an answer that is a list, paged or not."""
    return list(answer["items"] if isinstance(answer, dict) else answer)


class Deployment:
    """Waits until the deployment of one exact commit of one pull request, by one recipe, has ended."""

    def __init__(self, api: Api, pull: Json, phases: Phases, recipe: str = "") -> None:
        self._api = api
        self._pull = pull
        self._recipe = recipe
        self._phases = phases
        self._queue = Queue(api, phases)
        self._began = time.monotonic()
        self._told_of_room = False
        self._newest: str | None = (
            None  # the environment's newest deployment at the last look; ids grow with time
        )

    def wait(self) -> Json:
        """The environment, as the platform answered it when that deployment had ended.

        If a newer commit took its place, the answer's deployment is the newer one: the environment's state is about that.
        Raises CommandError if no agent picks it up.
        """
        environment: Json = until(self._look)
        return environment

    def _look(self) -> Json | None:
        listed = items(
            self._api.get("/environments", project=self._pull["project"], number=self._pull["number"])
        )
        environments = [one for one in listed if one.get("recipe", "") == self._recipe]
        for environment in environments:
            deployment = environment.get("deployment") or {}
            if deployment.get("commit") == self._pull["head_sha"]:
                self._newest = deployment["id"]
                self._show(deployment, environment.get("waits_for", ""))
                self._show_room(environment)
                return environment if deployment["state"] in TERMINAL else None
            if self._newest is not None and deployment.get("id", "") > self._newest:
                return environment
            self._newest = deployment.get("id", "")
        if time.monotonic() - self._began > PICKED_UP_SECONDS:
            raise CommandError(
                f"no deployment of {self._pull['head_sha'][:12]} began within {PICKED_UP_SECONDS:.0f} s.",
                fix=f"See what is wrong: {typed('doctor')}",
            )
        return None

    def _show(self, deployment: Json, waits_for: str) -> None:
        for phase in deployment.get("phases", []):
            if phase.get("seconds") is None:
                self._phases.begin(phase["name"])
            else:
                state = ResultState.FAILED if phase["failed"] else ResultState.PASSED
                self._phases.end(phase["name"], phase["seconds"], state=state)
        if deployment["state"] == DeploymentState.QUEUED:
            self._phases.begin("waiting for an agent")
            self._queue.look(waits_for)
        else:
            self._phases.forget("waiting for an agent")

    def _show_room(self, environment: Json) -> None:
        """Say once why its services do not start although they are built; the line stays until they may."""
        if not environment.get("waits_for_room"):
            self._phases.forget(WAITING_FOR_ROOM)
            return
        self._phases.begin(WAITING_FOR_ROOM)
        if not self._told_of_room:
            self._told_of_room = True
            self._phases.note(f"waits for {environment['waits_for']}; this continues when there is room")
            self._phases.note(f"See what the project uses: {typed('status')}")


class Removal:
    """Waits until nothing is left of a closed pull request's previews."""

    def __init__(self, api: Api, pull: Json, phases: Phases) -> None:
        self._api = api
        self._pull = pull
        self._phases = phases
        self._began = time.monotonic()

    def wait(self) -> bool:
        """True when nothing is left. False if that takes longer than REMOVED_SECONDS; the removal then continues."""
        self._phases.begin("removing the preview")
        gone = bool(until(self._look) == "gone")
        if gone:
            self._phases.end("removing the preview", time.monotonic() - self._began)
        return gone

    def _look(self) -> str:
        if all(one["removed"] for one in newest_environments(self._api, self._pull)):
            return "gone"
        return "late" if time.monotonic() - self._began > REMOVED_SECONDS else ""


def newest_environments(api: Api, pull: Json) -> list[Json]:
    """The pull request's latest environment by each recipe, terminated or not."""
    environments = items(
        api.get("/environments", project=pull["project"], number=pull["number"], terminated="true")
    )
    newest = {one.get("recipe", ""): one for one in reversed(environments)}
    return list(newest.values())


class Evaluation:
    """Waits until one evaluation is decided."""

    def __init__(self, api: Api, evaluation: str, phases: Phases) -> None:
        self._api = api
        self._evaluation = evaluation
        self._phases = phases
        self._queue = Queue(api, phases, sandbox=True)

    def wait(self) -> Json:
        """The evaluation, with its results."""
        self._phases.begin("policies")
        decided: Json = until(self._look)
        self._phases.end("policies", decided.get("seconds") or None, state=decided["state"])
        return decided

    def _look(self) -> Json | None:
        evaluation: Json = self._api.get(f"/evaluations/{self._evaluation}")
        if evaluation["state"] == EvaluationState.QUEUED:
            self._queue.look(evaluation.get("waits_for", ""))
        return evaluation if evaluation["state"] in DECIDED else None
