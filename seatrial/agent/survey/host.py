"""Makes a survey of this agent's host."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial import __version__, outside
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.image import ImageSource
from seatrial.agent.sandboxes.lookout import Lookouts, Question
from seatrial.agent.survey.builder import BuilderWatch
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.hosts import (
    MOST_TEXT,
    OUTSIDE,
    AskHost,
    HostReport,
    Sight,
)

NO_ENGINE = "this agent runs services as bare processes (GALLEY_RUNTIME=process), for trying out only"
NO_IMAGE = (
    "no image of sandboxes of this release is on the host. Load the one that GITGRIT_SANDBOX_IMAGE names (docker load -i), or wait until "
    "the agent has made it"
)


@dataclass(frozen=True)
class Sandboxing:
    """What a survey looks at: the engine, the image of sandboxes, and what makes lookouts."""

    engine: Engine
    image: ImageSource
    lookouts: Lookouts


class Survey:
    """Looks at the host, on request. `sandboxing` and `builder` are None where bare processes run. Any number may be made at the same
    time."""

    def __init__(
        self,
        sandboxing: Sandboxing | None,
        *,
        network: str = "",
        servers: Sequence[str] = (),
        builder: BuilderWatch | None = None,
    ) -> None:
        self._builder = builder
        self._sandboxing = sandboxing
        self._network = network
        self._servers = servers

    async def report(self, asked: AskHost) -> HostReport:
        """The survey. What cannot be found out is said in it; it raises nothing. If cancelled, it leaves nothing behind."""
        tried = asyncio.create_task(outside.tried()) if asked.outside else None
        try:
            found = {**await self._found(asked), **await self._built_with()}
            if tried is not None:
                found["outside"] = await tried
        finally:
            if tried is not None:
                tried.cancel()
        return HostReport.model_validate(
            {"release": __version__, "network": self._network, "servers": list(self._servers), **found}
        )

    async def _found(self, asked: AskHost) -> dict[str, object]:
        if self._sandboxing is None:
            return {"engine_problem": NO_ENGINE}
        found: dict[str, object] = {}
        try:
            machine = await self._sandboxing.engine.machine()
            found |= {"engine": machine.version, "runsc": machine.gvisor}
            found["sandboxes"] = await self._sandboxing.lookouts.runtimes()
            image = await self._sandboxing.image.present()
        except (AgentError, SandboxError) as error:
            return found | {"engine_problem": str(error)[:MOST_TEXT]}
        if image is None:
            return found | {"sight_problem": NO_IMAGE}
        found["sandbox_image"] = image
        question = Question(asked.names, self._servers, OUTSIDE if asked.outside else ())
        try:
            found["sight"] = sight = await self._look(image, question, gvisor=machine.gvisor)
            if self._network and machine.gvisor and not sight.networked:
                found["beside"] = await self._look(image, question, gvisor=False)
        except SandboxError as error:
            found["sight_problem"] = str(error)[:MOST_TEXT]
        return found

    async def _built_with(self) -> dict[str, object]:
        if self._builder is None:
            return {}
        facts = await self._builder.look()
        problems = [problem[: 2 * MOST_TEXT] for problem in (*facts.problems, *facts.lacks)]
        return {"builder": facts.called[:MOST_TEXT], "builder_problems": problems}

    async def _look(self, image: str, question: Question, *, gvisor: bool) -> Sight:
        assert self._sandboxing is not None
        return await self._sandboxing.lookouts.look(image, question, gvisor=gvisor, network=self._network)
