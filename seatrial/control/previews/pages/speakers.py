"""Decides whose log lines are shown: only those of the agent that the deployment is on, according to the bus."""

import asyncio

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from seatrial.control.dashboard.apps import dashboard
from seatrial.control.previews.models import Deployment

# A pause after a chunk of an unknown deployment: looking those up must not keep the threads from other lookups.
UNKNOWN_SECONDS = 0.2


class Speakers:
    """The agents of one environment's deployments, for one reader. Each is looked up once, because it never changes."""

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._agents: dict[str, str] = {}

    async def __call__(self, agent: str, deployment: str) -> bool:
        """True when `deployment` is on `agent`, so that its log lines are shown."""
        if deployment not in self._agents:
            look = sync_to_async(self._look, thread_sensitive=False, executor=dashboard().polling)
            speaker = await look(deployment)
            if speaker is None:
                await asyncio.sleep(UNKNOWN_SECONDS)
                return False
            self._agents[deployment] = speaker
        return self._agents[deployment] == agent

    def _look(self, deployment: str) -> str | None:
        close_old_connections()
        try:
            rows = Deployment.objects.filter(pk=deployment, environment=self._environment)
            return rows.values_list("agent_id", flat=True).first()
        finally:
            close_old_connections()
