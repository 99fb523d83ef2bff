"""What previews hold on their hosts' disks: one that holds all that it may is stopped, which frees that disk.

Callers hold the environment's row lock.
"""

from dataclasses import dataclass

import structlog

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.previews import lifecycle, placements
from seatrial.control.previews.models import Environment
from seatrial.wire.deployments import DiskUse
from seatrial.wire.sizes import gigabytes
from seatrial.wire.states import EnvironmentState
from seatrial.wire.visible import visible
from seatrial.wire.words import Reason, StopCause

log = structlog.get_logger(__name__)

MUCH_PERCENT = 80  # from then on people are warned


def observed(environment: Environment, agent_id: str, use: DiskUse | None) -> bool:
    """Take over what its agent has seen; True if it was full and has been ended.

    Its time is over as if nobody had pushed to it for long: everything of it is removed, and the next commit, or a rebuild, begins
    anew. A first deployment that fills the disk before it is live fails. Idempotent.
    """
    if use is None or agent_id not in placements.agents_of(environment):
        return False
    told = use.model_dump(mode="json")
    if environment.disk != told:
        environment.disk = told
        environment.save(update_fields=["disk", "updated_at"])
    if use.used_mb < use.most_mb or environment.state == EnvironmentState.TERMINATED:
        return False
    log.warning("preview filled its disk", environment=environment.name, used_mb=use.used_mb)
    if environment.live is None and environment.kept is None:
        lifecycle.fail(environment, reason=Reason.DISK_FULL, message=sentence(use))
        return True
    for served in (environment.live, environment.kept):
        if served is not None:
            served.message = sentence(use)  # which forges show
    lifecycle.terminate(environment, cause=StopCause.DISK_FULL)
    audit.record(
        "environment.disk_full",
        f"environment/{environment.name}",
        by=SYSTEM,
        workspace=environment.project.workspace_id,
        details={"used_mb": use.used_mb, "most_mb": use.most_mb},
    )
    return True


def use_of(environment: Environment) -> DiskUse | None:
    """What it holds, or held when it ended; None: nobody has told."""
    return DiskUse.model_validate(environment.disk) if environment.disk else None


@dataclass(frozen=True)
class Shown:
    """What a preview holds, for pages. `full`: that it was stopped for it; `warning`: that it soon is; both empty otherwise."""

    said: str
    percent: int
    warning: str
    full: str


def shown(environment: Environment) -> Shown | None:
    """None: nobody has told what it holds."""
    use = use_of(environment)
    if use is None:
        return None
    full = sentence(use) if environment.stop_cause == StopCause.DISK_FULL else ""
    return Shown(said(use), percent(use), warning(environment), full)


def percent(use: DiskUse) -> int:
    """How much of what it may hold."""
    return round(100 * use.used_mb / use.most_mb)


def warning(environment: Environment) -> str:
    """What people should know of a preview that runs and holds much; empty: nothing."""
    use = use_of(environment)
    if use is None or percent(use) < MUCH_PERCENT or environment.state == EnvironmentState.TERMINATED:
        return ""
    return f"{sentence(use)} At {gigabytes(use.most_mb)} GB it is stopped, and its data is lost."


def said(use: DiskUse) -> str:
    """`3.1 of 10 GB`."""
    return f"{gigabytes(use.used_mb)} of {gigabytes(use.most_mb)} GB"


def sentence(use: DiskUse) -> str:
    """How much it holds, where, and what bounds it."""
    return (
        f"Its containers and volumes hold {said(use)} on the disk (GALLEY_MAX_PREVIEW_DISK).{_largest(use)}"
    )


def _largest(use: DiskUse) -> str:
    known = [f"{_place(one.service, one.path)} ({gigabytes(one.mb)} GB)" for one in use.largest[:6] if one.mb]
    return f" The largest: {', '.join(known)}." if known else ""


def _place(service: str, path: str) -> str:
    what = visible(path) or "files of the container"
    return f"{what} of {visible(service)}" if service else what
