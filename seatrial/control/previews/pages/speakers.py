"""Which agent is believed about which deployment's log lines: the one that it is on, by what the bus says."""

import asyncio

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from seatrial.control.dashboard.apps import dashboard
from seatrial.control.previews.models import Deployment

UNKNOWN_SECONDS = (
    0.2  # a pause for each chunk of a stranger: it is looked up, and must not keep others from looking
)


class Speakers:
    """Of one environment, for one reader. A deployment's agent is looked up once: it never changes."""

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._agents: dict[str, str] = {}

    async def __call__(self, agent: str, deployment: str) -> bool:
        """Whether `agent` may tell of `deployment`."""
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
