"""The platform's start, life and end: its components, their order, and their preconditions."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.embedded import fleet, log_files, orphans, preparation, secrets
from seatrial.embedded.components import agent, bus, control, ingress, lifeline
from seatrial.embedded.components.postgres import Postgres, from_wheel
from seatrial.embedded.engine.keeper import EngineKeeper
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices, require_engine, require_settings, settle
from seatrial.embedded.processes import Records, ended
from seatrial.embedded.progress import Event, Listener, step
from seatrial.embedded.remembered import Remembered, write
from seatrial.embedded.supervisor import Supervisor
from seatrial.embedded.typed import script
from seatrial.wire.words import RuntimeKind


@dataclass(frozen=True)
class Setting:
    """Everything a platform needs to start."""

    data: DataDirectory
    choices: Choices
    environ: Mapping[str, str]
    tell: Listener
    say: Callable[[str], None]


class Platform:
    """One embedded platform. `run` starts it, keeps it until cancelled, and always stops what it started."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._data = setting.data
        self._binaries = Path(sys.executable).parent
        self._supervisor = Supervisor(Records(self._data.run), self._data.logs, setting.say)
        self._background: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Start everything, report `ready`, and run until cancelled. Raises EmbeddedError if the start fails."""
        bounded = asyncio.create_task(log_files.keep_bounded(self._data.logs), name="logs")
        self._background.append(bounded)
        try:
            remembered = await self._start()
            self._setting.tell(Event(kind="ready", text=remembered.site_url))
            await asyncio.Event().wait()
        finally:
            for task in self._background:
                task.cancel()
            await self._supervisor.stop()

    async def _start(self) -> Remembered:
        tell = self._setting.tell
        with step(tell, "checking this machine"):
            await asyncio.to_thread(orphans.end_all, self._data)
            remembered = settle(self._setting.choices, self._data, self._setting.environ)
            require_settings(
                control.environment(self._data, remembered, secrets.UNUSED, {}, self._setting.environ),
                agent.environment(self._data, remembered, "", self._setting.environ),
            )
            require_engine(remembered.runtime, self._setting.environ)
            write(self._data.platform_file, remembered)
        kept = secrets.ensure(self._data)
        bus.identity(self._data)
        await self._supervisor.start(lifeline.component(self._data))
        with step(tell, "database, bus and ingress"):
            database = await self._foundations(remembered)
        environment = control.environment(self._data, remembered, kept, database, self._setting.environ)
        with step(tell, "migrations and first data"):
            told = await preparation.prepare(
                self._supervisor, self._data, environment, backed_up_by=from_wheel(self._data.postgres)
            )
            if told:
                tell(Event(kind="note", text=told))
        with step(tell, "web and worker"):
            await asyncio.gather(
                self._supervisor.start(control.web(remembered.port, environment)),
                self._supervisor.start(control.worker(environment)),
            )
        with step(tell, "agent"):
            await self._agent(remembered)
        self._keep_engine(remembered)
        return remembered

    async def _foundations(self, remembered: Remembered) -> dict[str, str]:
        """PostgreSQL (ours, unless DB_HOST names another), the bus and the ingress, side by side."""
        ours = not self._setting.environ.get("DB_HOST")
        starts = [
            self._supervisor.start(bus.component(self._data, remembered.nats_port, self._binaries)),
            self._supervisor.start(
                ingress.component(
                    self._data.traefik,
                    ingress_port=remembered.ingress_port,
                    api_port=remembered.traefik_port,
                    binaries=self._binaries,
                )
            ),
        ]
        postgres = from_wheel(self._data.postgres)
        if ours:
            starts.append(self._database(postgres))
        await asyncio.gather(*starts)
        return postgres.environment() if ours else {}

    async def _database(self, postgres: Postgres) -> None:
        await asyncio.to_thread(postgres.prepare)
        await self._supervisor.start(postgres.component())
        await asyncio.to_thread(postgres.ensure_database)

    async def _agent(self, remembered: Remembered) -> None:
        """Start the agent, wait until the control plane sees it, and remember its id, which labels everything it makes."""
        api = fleet.Fleet(remembered.api_url, self._data.token)
        token = "" if agent.has_joined(self._data.agent) else await api.issue_bootstrap()
        environment = agent.environment(self._data, remembered, token, self._setting.environ)
        component = agent.component(self._binaries, environment, online=api.online)
        await self._supervisor.start(component)
        write(self._data.platform_file, remembered.model_copy(update={"agent": await api.agent_id()}))

    def _keep_engine(self, remembered: Remembered) -> None:
        if remembered.runtime == RuntimeKind.DOCKER:
            keeper = EngineKeeper(self._setting.environ, self._setting.say, ended)
            self._background.append(asyncio.create_task(keeper.run(), name="engine"))


def require_programs(binaries: Path) -> None:
    """Raise CannotRun unless git and the programs of our own environment are here."""
    missing = [name for name in ("nats-server", "traefik") if not (binaries / name).exists()]
    missing += [] if shutil.which("git") else ["git"]
    if missing:
        raise CannotRun(f"not installed: {', '.join(missing)}.", fix=f"Run: {script('setup')}")
