"""A tool in the sandbox that it really has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.facts.gathering import Gathering
from seatrial.agent.sandboxes.literals import LiteralTree
from seatrial.wire.evaluations import ForgeFacts
from tests.sandboxes.test_facts import UNSAFE, WORKFLOW
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.gvisor]


async def test_a_tool_reads_a_commit_in_gvisor_without_network_and_rights(
    containers: Callable[..., ContainerSandboxes], tmp_path: Path
) -> None:
    backend = containers(require_gvisor=True)
    await backend.prepare()
    spec = backend._tool_spec("any", empty=False)
    assert spec.gvisor and spec.network == "none" and not spec.sets_apart
    plain = backend._tool_spec("any", empty=True)  # given nothing of anybody
    assert not plain.gvisor and plain.network == "none" and not plain.sets_apart
    broker = Broker(LiteralTree({WORKFLOW: UNSAFE}), ForgeFacts(), gathering=Gathering(backend, tmp_path))
    value, _ = await broker.answer(["fact", ["zizmor"]])
    assert value["files"] == 1 and "template-injection" in {one["rule"] for one in value["findings"]}

    async def gone() -> bool:
        return not await backend._engine.containers.ids(backend._labels)

    await until(gone)
