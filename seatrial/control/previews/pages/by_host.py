"""Finds what a stranger may know about the preview of a hostname: its state, and nothing more."""

from dataclasses import dataclass

from seatrial.control.previews.desired import address
from seatrial.control.previews.models import Environment
from seatrial.control.previews.newest import newest_deployments
from seatrial.control.previews.shown import shown_state
from seatrial.control.projects.gates import gate_of
from seatrial.wire.states import DeploymentState, EnvironmentState

LONGEST_HOST = 255
BUILDING_RETRY_SECONDS = 3
WAITING_RETRY_SECONDS = 10
PROTECTED = "protected"


@dataclass(frozen=True)
class Unavailable:
    """What the page shows. With `retry_seconds` 0 it does not refresh itself; with `look_seconds` its script looks more often."""

    state: str
    title: str
    text: str
    status: int
    retry_seconds: int = 0
    host: str = ""
    progress: str = ""
    look_seconds: float = 0


_PAGES: dict[str, tuple[str, str, int, int]] = {
    EnvironmentState.BUILDING: (
        "The preview is being built",
        "It appears here by itself as soon as it answers.",
        503,
        BUILDING_RETRY_SECONDS,
    ),
    EnvironmentState.PENDING: (
        "The preview is waiting",
        "It starts when an agent has room. This page tries again by itself.",
        503,
        WAITING_RETRY_SECONDS,
    ),
    EnvironmentState.RUNNING: (
        "The preview does not answer",
        "It is running, but its service did not answer this request. This page tries again by itself.",
        503,
        WAITING_RETRY_SECONDS,
    ),
    EnvironmentState.STOPPED: (
        "The preview is stopped",
        "Somebody stopped it. It appears here by itself if it is started again.",
        503,
        WAITING_RETRY_SECONDS,
    ),
    EnvironmentState.HIBERNATING: (
        "The preview is asleep",
        "Nobody visited it for a while. It appears here by itself when it has woken.",
        503,
        BUILDING_RETRY_SECONDS,
    ),
    DeploymentState.FAILED: (
        "The preview failed",
        "Its owner finds the reason on its page in Seatrial.",
        503,
        WAITING_RETRY_SECONDS,
    ),
    EnvironmentState.TERMINATED: (
        "The preview is stopped",
        "Its pull request was closed, or somebody stopped it. Reopening the pull request brings it back.",
        404,
        0,
    ),
    PROTECTED: (
        "Nothing to see here now",
        "This preview is protected, and does not run at the moment. Its page in Seatrial says more. This page tries again by itself.",
        503,
        WAITING_RETRY_SECONDS,
    ),
    "none": ("There is no preview here", "Check the address for a typing mistake.", 404, 0),
}


def look_up(host: str) -> Unavailable:
    """The page for `host`. Four queries at most, whatever a stranger sends."""
    host = host[:LONGEST_HOST].split(",", maxsplit=1)[0].strip().lower()
    label = host.split(":")[0].removesuffix(".").removesuffix("." + address().domain)
    state = _state(label) if label and "." not in label and "\x00" not in label else "none"
    title, text, status, retry = _PAGES.get(state, _PAGES["none"])
    return Unavailable(state, title, text, status, retry, host)


def _state(label: str) -> str:
    """The state for `label`: of the environment that has it, or whose name or `<service>-<name>` it is.

    An environment claims the labels of its services only when it is ready. A terminated environment comes last.
    """
    names = [label, *(label[index + 1 :] for index, letter in enumerate(label) if letter == "-")]
    rows = list(
        Environment.objects.select_related("project").filter(name__in=names).order_by("-created_at")[:20]
    )
    claimed = Environment.objects.select_related("project").filter(labels=label).first()

    def weight(row: Environment) -> tuple[bool, bool, int]:
        return row.state != EnvironmentState.TERMINATED, row == claimed, len(row.name)

    environment = max([*([claimed] if claimed else []), *rows], key=weight, default=None)
    if environment is None:
        return "none"
    if gate_of(environment.project) is not None:
        return PROTECTED
    newest = newest_deployments([environment.pk]).get(environment.pk)
    return shown_state(environment.state, newest.state if newest else None)
