"""Puts the parts of this room together, for the agent's program."""

from pathlib import Path

from seatrial.agent.builds.assembly import for_sandboxes
from seatrial.agent.builds.images import DockerImages
from seatrial.agent.bus.reports import Reports
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.berths import Berths, Harbour
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.facts import lifetimes
from seatrial.agent.sandboxes.facts.gathering import Gathering
from seatrial.agent.sandboxes.image import GivenImage, ImageSource, SandboxImage
from seatrial.agent.sandboxes.jobs import Jobs
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Backend, Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.agent.vocabulary.calm import Calm
from seatrial.agent.vocabulary.credentials import CredentialSource
from seatrial.agent.vocabulary.tree import Checkouts
from seatrial.agent.vocabulary.visits import Visits, nobody


def sandbox_image(engine: Engine, images: DockerImages, caches: Path, given: str = "") -> ImageSource:
    """The sandbox's image: the one of the name `given`, or one that is made here, in `caches`."""
    program = find_program()
    if given:
        return GivenImage(engine, program, given)
    return SandboxImage(engine, for_sandboxes(images, caches), program)


def evaluations(
    *,
    agent: str,
    directory: Path,
    engine: Engine | None,
    image: ImageSource | None,
    jobs: Jobs,
    checkouts: Checkouts,
    credentials: CredentialSource,
    reports: Reports,
    harbour: Harbour,
    previews: Calm,
    visits: Visits = nobody,
    require_gvisor: bool = False,
    warm: int = 2,
) -> Evaluations:
    """Assembles everything that evaluates policies. `engine` or `image` None: plain processes, without isolation.

    `harbour` is the network of policies that may use one; sandboxes are not made while `previews` are brought up. `directory` is the agent's data directory. The result's `run()` never ends by itself; `isolation` and `warnings` are
    for the heartbeat.
    """
    program = find_program()
    backend: Backend
    if engine is None or image is None:
        backend = ProcessSandboxes(program, agent, require_gvisor=require_gvisor)
    else:
        backend = ContainerSandboxes(engine, image, agent, require_gvisor=require_gvisor)
    memo = Memo(directory / "policy-results.sqlite3", program.digest)
    pool = Pool(backend, berths=Berths(engine, agent, harbour), size=warm, previews=previews)
    lifetimes.take(directory)
    gathering = Gathering(backend, directory / "tools")
    return Evaluations(jobs, checkouts, credentials, reports, pool, memo, gathering, visits=visits)
