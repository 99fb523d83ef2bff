"""Git caches are tidied only when the desired state is known, and keep the commits of everything that is desired."""

import asyncio
from types import SimpleNamespace
from typing import Any

from seatrial.agent.environments.service import Environments
from tests.agent.harness import deployment, environment


async def test_commits_of_live_and_candidate_are_in_use_until_nobody_desires_them() -> None:
    tools: Any = SimpleNamespace(agent="a", runtime=None)
    environments = Environments(tools, tools, orphan_grace_seconds=0)
    knowing = asyncio.ensure_future(environments.known())
    nowhere: Any = SimpleNamespace(path="/nowhere")
    live, candidate = deployment("a" * 40), deployment("b" * 40)
    environments.wanted(environment(nowhere, "one", environment="one", live=live, candidate=candidate))
    environments.wanted(environment(nowhere, "two", environment="two", live=deployment("c" * 40)))
    assert environments.commits() == {"a" * 40, "b" * 40, "c" * 40}
    await asyncio.sleep(0)
    assert not knowing.done(), "more may come: nothing is tidied yet"
    environments.replayed({"one"})
    await knowing
    environments.unwanted("two")
    assert environments.commits() == {"a" * 40, "b" * 40}
    await environments.close()
