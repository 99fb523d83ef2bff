"""Registers the local forge: everything it provides to the control plane."""

from collections.abc import Callable

from seatrial.control.forges.local import KIND
from seatrial.control.forges.local.announcing import Announcer
from seatrial.control.forges.local.api import router
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.pulls import CHANNEL
from seatrial.control.forges.local.retention import prune
from seatrial.control.forges.local.webhooks import LocalWebhooks
from seatrial.control.forges.registration import Registration, WorkerTask

ANNOUNCE_SECONDS = 1.0


def announcing() -> Callable[[], object]:
    """Make the worker's one announcer, which remembers what it has announced."""
    return Announcer().announce_all


LOCAL = Registration(
    kind=KIND,
    title="Local repositories",
    needs_credential=False,
    webhooks=LocalWebhooks(),
    bind=lambda _: LocalForge(),
    router=router,
    tasks=[WorkerTask(name="announcements", make=announcing, seconds=ANNOUNCE_SECONDS, channel=CHANNEL)],
    prune=prune,
)
