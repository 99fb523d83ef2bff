"""The supervisor's requests to the control plane about its one agent."""

from pathlib import Path
from typing import Any

import httpx

from seatrial.embedded.components.agent import NAME
from seatrial.embedded.components.base import NO_AUTHORITIES
from seatrial.embedded.errors import ComponentFailed
from seatrial.wire.states import AgentState


class Fleet:
    """The control plane's API, used as the first user."""

    def __init__(self, api_url: str, token: Path) -> None:
        self._api_url = api_url
        self._token = token

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token.read_text().strip()}"}
        options: dict[str, Any] = {"timeout": 10, "trust_env": False, "verify": NO_AUTHORITIES}
        async with httpx.AsyncClient(base_url=self._api_url, **options) as client:
            answer = await client.request(method, f"/api/v1{path}", json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()

    async def issue_bootstrap(self) -> str:
        """A token that lets the agent join once. Raises ComponentFailed."""
        try:
            answer = await self._call("POST", "/agents", {"name": NAME})
        except (httpx.HTTPError, OSError) as error:
            raise ComponentFailed(f"the control plane gave the agent no token: {error}") from error
        return str(answer["token"])

    async def _agents(self) -> list[dict[str, Any]]:
        answer = await self._call("GET", "/agents")
        return list(answer["items"] if isinstance(answer, dict) else answer)

    async def online(self) -> str | None:
        """None if the agent is online, else what is missing."""
        try:
            agents = await self._agents()
        except (httpx.HTTPError, OSError) as error:
            return f"the control plane does not answer ({error})"
        states = {agent["state"] for agent in agents if agent["name"] == NAME}
        if states & {AgentState.ONLINE, AgentState.DRAINING}:
            return None
        return "the control plane has not heard from it yet"

    async def agent_id(self) -> str:
        """The id that labels everything the agent creates; empty if there is none."""
        agents = [agent for agent in await self._agents() if agent["name"] == NAME]
        return str(agents[-1]["id"]) if agents else ""
