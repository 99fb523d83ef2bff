"""Puts the parts of this room together, for the agent's program."""

from pathlib import Path

from seatrial.agent.builds.base import Images
from seatrial.agent.bus.reports import Reports
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.image import GivenImage, ImageSource, SandboxImage
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Backend, Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations, Jobs
from seatrial.agent.vocabulary.credentials import CredentialSource
from seatrial.agent.vocabulary.tree import Checkouts


def evaluations(
    *,
    agent: str,
    directory: Path,
    engine: Engine | None,
    images: Images,
    jobs: Jobs,
    checkouts: Checkouts,
    credentials: CredentialSource,
    reports: Reports,
    require_gvisor: bool = False,
    given_image: str = "",
    warm: int = 2,
) -> Evaluations:
    """Assembles everything that evaluates policies. `engine` None: plain processes, without isolation.
    `given_image`: the sandbox's image, which is then not made here.

    `directory` is the agent's data directory. The result's `run()` never ends by itself; `isolation` and `warnings` are
    for the heartbeat.
    """
    program = find_program()
    backend: Backend
    if engine is None:
        backend = ProcessSandboxes(program, agent, require_gvisor=require_gvisor)
    else:
        image: ImageSource = SandboxImage(engine, images, program)
        if given_image:
            image = GivenImage(engine, program, given_image)
        backend = ContainerSandboxes(engine, image, agent, require_gvisor=require_gvisor)
    memo = Memo(directory / "policy-results.sqlite3", program.digest)
    return Evaluations(jobs, checkouts, credentials, reports, Pool(backend, size=warm), memo)
