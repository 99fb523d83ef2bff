"""Follows the log of every running container, from the last position."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from seatrial import files
from seatrial.agent.logs.shipping import Channel, LogShipping
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.errors import RuntimeUnavailable

log = structlog.get_logger(__name__)

SAVE_SECONDS = 5.0


class Followers:
    """One task per container. Positions survive a restart of the agent: a crash repeats at most a few seconds."""

    def __init__(self, runtime: Runtime, shipping: LogShipping, directory: Path) -> None:
        self._runtime = runtime
        self._shipping = shipping
        self._file = directory / "log-positions.json"
        self._positions = _read(self._file)
        self._saved = dict(self._positions)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._channels: dict[str, Channel] = {}

    def follow(self, container: str, channel: Channel) -> None:
        """Follow `container` from now on; its next lines go to `channel`, even if it was already followed."""
        self._channels[container] = channel
        task = self._tasks.get(container)
        if task is None or task.done():
            self._tasks[container] = asyncio.create_task(self._follow(container))

    async def settle(self, containers: set[str], seconds: float) -> None:
        """Give the followers of ended containers a moment to send the last lines."""
        tasks = [task for name, task in self._tasks.items() if name in containers]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def forget(self, container: str) -> None:
        """Forget the position of a container that was removed for good."""
        task = self._tasks.pop(container, None)
        if task is not None:
            task.cancel()
        self._positions.pop(container, None)
        self._channels.pop(container, None)

    async def prune(self, unused_days: float) -> None:
        """Forget positions of that age in containers that are not followed: these were removed while no agent was running."""
        oldest = datetime.now(UTC) - timedelta(days=unused_days)
        for container, at in list(self._positions.items()):
            if at < oldest and container not in self._tasks:
                del self._positions[container]

    async def run(self) -> None:
        """Save positions now and then; ends every follower when cancelled."""
        try:
            while True:
                await asyncio.sleep(SAVE_SECONDS)
                self._save()
        finally:
            self._save()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, container: str) -> None:
        since = self._positions.get(container)
        try:
            async for line in self._runtime.logs(container, follow=True, since=since):
                await self._shipping.write(self._channels[container], line)
                self._positions[container] = line.at
        except RuntimeUnavailable:
            return  # followed again once the engine is back
        except Exception as error:
            log.warning("log cannot be followed", container=container, problem=repr(error))

    def _save(self) -> None:
        if self._positions == self._saved:
            return
        self._saved = dict(self._positions)
        content = json.dumps({name: at.isoformat() for name, at in self._saved.items()})
        try:
            files.replace(self._file, content, mode=0o600)
        except OSError as error:
            log.warning("log positions not saved", problem=str(error))


def _read(file: Path) -> dict[str, datetime]:
    try:
        stored: Mapping[str, str] = json.loads(file.read_text())
        return {name: datetime.fromisoformat(at) for name, at in stored.items()}
    except (OSError, ValueError):
        return {}
