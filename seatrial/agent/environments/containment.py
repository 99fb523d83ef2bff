"""What one deployment is kept away from, decided before anything of it is built: it has these walls, or it does not run."""

from dataclasses import dataclass

from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.egress import Egress, egress_of
from seatrial.agent.vocabulary.errors import NotContained
from seatrial.wire.deployments import DesiredDeployment
from seatrial.wire.states import Isolation
from seatrial.wire.words import RuntimeKind


@dataclass(frozen=True)
class Containment:
    """`requested` is what its containers ask of the engine, None for its usual runtime; `isolation` what they have then."""

    requested: Isolation | None
    isolation: Isolation
    egress: Egress


async def contained(runtime: Runtime, setting: Egress, deployment: DesiredDeployment) -> Containment:
    """The walls of `deployment`; `setting` is the operator's. Raises NotContained."""
    egress = egress_of(
        setting, trusted=not deployment.untrusted, private_networks=deployment.private_networks
    )
    if deployment.untrusted:
        if why := await runtime.uncontained() or await runtime.unlimited():
            raise NotContained(f"this comes from a fork, and is not run here with weaker walls: {why}")
        return Containment(Isolation.GVISOR, Isolation.GVISOR, egress)
    if egress is Egress.NONE and (why := await runtime.unlimited()):
        raise NotContained(f"GALLEY_PREVIEW_EGRESS=none cannot be kept here: {why}")
    usual = Isolation.PROCESS if runtime.name == RuntimeKind.PROCESS else Isolation.CONTAINER
    return Containment(None, usual, egress)
