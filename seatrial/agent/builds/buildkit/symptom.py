"""Why the container galley-buildkit-v2 does not start, where that can be known: kernels that keep user namespaces to themselves."""

from pathlib import Path

from seatrial.agent.builds.buildkit.daemons import CONTAINER
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.errors import AgentError

CHILD = "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: permission denied"
RESTRICTS = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")  # 1: Ubuntu since 23.10
SYSCTL = "kernel.apparmor_restrict_unprivileged_userns=0"
FIX = (
    f'Allow them: sudo sysctl -w {SYSCTL}; echo "{SYSCTL}" | sudo tee /etc/sysctl.d/60-apparmor-userns.conf; docker restart {CONTAINER}. '
    "Where that may not be: build with buildah (GALLEY_BUILDER=buildah)"
)
LINES = 20


async def symptom(engine: Engine, restricts: Path = RESTRICTS) -> str:
    """What is wrong with the container, with the fix; empty if it runs, is not there, or the engine does not answer."""
    try:
        container = await engine.containers.get(CONTAINER)
        if container is None or container.state is ContainerState.RUNNING:
            return ""
        said = [line.text async for line in engine.streams.logs(CONTAINER, follow=False, tail=LINES)]
    except AgentError:
        return ""
    if any(CHILD in line for line in said):
        why = (
            f"{restricts} is 1"
            if restricted(restricts)
            else "its kernel or its container's profile forbids user namespaces"
        )
        return f"{CONTAINER} does not start: {CHILD} ({why}). {FIX}"
    last = f": {said[-1][:200]}" if said else ""
    return f"{CONTAINER} does not run ({container.state}){last}. Look at docker logs {CONTAINER}"


def restricted(file: Path = RESTRICTS) -> bool:
    """Whether AppArmor keeps user namespaces from programs without a profile."""
    try:
        return file.read_text().strip() == "1"
    except OSError:
        return False
