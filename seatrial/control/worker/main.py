"""The worker: one asyncio process beside the web. Any number may run; all share the work through the database."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.forges import intake
from seatrial.control.forges.connected import Forges
from seatrial.control.outbox import services as outbox
from seatrial.control.previews import lifecycle
from seatrial.control.worker import errands
from seatrial.control.worker.admissions import Admissions
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.beat import beat
from seatrial.control.worker.credentials import CREDENTIAL, Credentials
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.due import Due
from seatrial.control.worker.gone_agents import GoneAgents
from seatrial.control.worker.heartbeats import GivenUp, Heartbeats
from seatrial.control.worker.nodes import NodeWatch
from seatrial.control.worker.observed import Observed
from seatrial.control.worker.reconcile import Reconciler
from seatrial.control.worker.registries import registries
from seatrial.control.worker.relay import Relay
from seatrial.control.worker.routes import Routes
from seatrial.control.worker.screenshots import Screenshots
from seatrial.control.worker.supervision import supervise
from seatrial.control.worker.sweeps import CertificateSweep, ForgeSweep, Sweeps
from seatrial.control.worker.variables import variables
from seatrial.control.worker.visits import Visits
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.ending import ended

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 5.0
FACTS_LANES = REPORTS_LANES = CONFIRM_LANES = 3  # so that one slow forge does not hold up the others
TRIAL_LANES = 2
NOTICE_LANES = 2
ASKING_THREADS = 25 + CREDENTIAL.at_once  # as many as there are tasks that wait for forges
Task = Callable[[], Awaitable[None]]


async def run(configuration: Configuration, stopped: asyncio.Event, *, beat_file: Path | None = None) -> None:
    """Work until `stopped` is set. Without bus or database it waits for them; it never ends by itself.

    With `beat_file`, it writes that file anew while it works.

    Stopping cancels the tasks. A call that runs in a database thread is finished; messages that were not acknowledged
    are handled again by the next worker.
    """
    database, asking, forges = Database(), Database(ASKING_THREADS), Forges()
    wakeups = Wakeups(channels())
    running = [
        *_start(_without_bus(database, wakeups, configuration)),
        *_start(_asking(asking, forges, wakeups, configuration)),
        asyncio.create_task(
            supervise("bus", lambda: _with_bus(database, asking, forges, wakeups, configuration)), name="bus"
        ),
    ]
    if beat_file:
        running += _start({"beat": partial(beat, database, beat_file)})
    log.info("worker started")
    await stopped.wait()
    await ended(*running, again_seconds=AGAIN_SECONDS)
    for threads in (database, asking):
        # Not in the loop's own thread: a call that publishes needs the loop
        await asyncio.to_thread(threads.close)
    log.info("worker stopped")


def channels() -> set[str]:
    """The channels of all NOTIFYs that this process waits for."""
    return {
        *outbox.CHANNELS,
        intake.CHANNEL,
        lifecycle.ROUTES_CHANNEL,
        lifecycle.ADMISSIONS_CHANNEL,
        *(task.channel for task in errands.forge_tasks()),
    }


def _without_bus(database: Database, wakeups: Wakeups, configuration: Configuration) -> dict[str, Task]:
    sweeps = Sweeps(database)
    return {
        "wakeups": wakeups.listen,
        "deliveries": Deliveries(database, wakeups).run,
        "due": Due(database, wakeups).run,
        "routes": Routes(database, configuration, wakeups).run,
        "admissions": Admissions(database, wakeups).run,
        "lost evaluations": sweeps.lost_evaluations,
        "expiries": sweeps.expiries,
        "snapshots": sweeps.snapshots,
        "waivers": sweeps.waivers,
        "glass": sweeps.glass,
        "scores": sweeps.scores,
        "policy source looks": sweeps.policy_sources,
        "rescans": sweeps.rescans,
        "digests": sweeps.digests,
        "sleepers": sweeps.sleepers,
        "keys": sweeps.keys,
        "audit log": sweeps.audit_log,
        "prune": sweeps.prune,
    }


def _asking(
    asking: Database, forges: Forges, wakeups: Wakeups, configuration: Configuration
) -> dict[str, Task]:
    """The tasks that wait for forges and other systems, in threads of their own, so that they never block the rest."""
    facts = {
        f"facts {number}": Aside(asking, wakeups, errands.facts(forges)).run
        for number in range(1, FACTS_LANES + 1)
    }
    reports = {
        f"reports {number}": Aside(asking, wakeups, errands.reports(forges)).run
        for number in range(1, REPORTS_LANES + 1)
    }
    confirmations = {
        f"confirmations {number}": Aside(asking, wakeups, errands.confirmations(forges)).run
        for number in range(1, CONFIRM_LANES + 1)
    }
    trials = {
        f"trials {number}": Aside(asking, wakeups, errands.trials(forges)).run
        for number in range(1, TRIAL_LANES + 1)
    }
    notices = {
        f"notices {number}": Aside(asking, wakeups, errands.notices()).run
        for number in range(1, NOTICE_LANES + 1)
    }
    of_forges = {task.name: errands.looped(task, asking, wakeups) for task in errands.forge_tasks()}
    return {
        **facts,
        **reports,
        **confirmations,
        **trials,
        **of_forges,
        "comments": Aside(asking, wakeups, errands.comments(forges)).run,
        "checks": Aside(asking, wakeups, errands.checks(forges)).run,
        "commands": Aside(asking, wakeups, errands.commands(forges)).run,
        "floats": Aside(asking, wakeups, errands.floats()).run,
        "follows": Aside(asking, wakeups, errands.follows()).run,
        "scores": Aside(asking, wakeups, errands.scores()).run,
        **notices,
        "rescans": Aside(asking, wakeups, errands.rescans(forges)).run,
        "signatures": Aside(asking, wakeups, errands.signatures()).run,
        "policy reviews": Aside(asking, wakeups, errands.policy_reviews(forges)).run,
        "policy sources": Aside(asking, wakeups, errands.policy_sources(forges)).run,
        "webhooks": Aside(asking, wakeups, errands.webhooks(forges)).run,
        "revocations": Aside(asking, wakeups, errands.revocations(configuration)).run,
        "forges": ForgeSweep(asking, forges).run,
        "certificates": CertificateSweep(asking).run,
    }


async def _with_bus(
    database: Database, asking: Database, forges: Forges, wakeups: Wakeups, configuration: Configuration
) -> None:
    """Connect to the bus, and run everything that needs it. The connection repairs itself."""
    bus = await Bus.connect(configuration, name="seatrial worker")
    came_online = asyncio.Event()
    tasks: dict[str, Task] = {
        "relay": Relay(database, bus, wakeups).run,
        "observed": Observed(database, bus).run,
        "heartbeats": Heartbeats(database, bus, came_online).run,
        "given up": GivenUp(database, bus).run,
        "credentials": Credentials(database, asking, bus, forges).run,
        "variables": variables(database, bus).run,
        "registries": registries(database, bus).run,
        "visits": Visits(database, bus, configuration).run,
        "screenshots": Screenshots(database, bus).run,
        "reconcile": Reconciler(database, bus, came_online).run,
        "gone agents": GoneAgents(database, bus).run,
    }
    # Before streams are made: it says why they cannot be.
    running = _start({"nodes": NodeWatch(database, bus).run})
    try:
        await bus.ensure_streams()
        running += _start(tasks)
        await asyncio.gather(*running)
    finally:
        await ended(*running, again_seconds=AGAIN_SECONDS)
        await bus.close()


def _start(tasks: dict[str, Task]) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(supervise(name, task), name=name) for name, task in tasks.items()]


async def serve(configuration: Configuration, *, beat_file: Path | None = None) -> None:
    """Call `run` until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await run(configuration, stopped, beat_file=beat_file)
