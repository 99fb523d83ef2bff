"""How a kind of forge joins the control plane: everything it brings, in one object."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ninja import Router

from seatrial.control.forges.protocol import Forge, Webhooks
from seatrial.control.projects.models import Connection


@dataclass(frozen=True, kw_only=True)
class WorkerTask:
    """What a forge has every worker do: again each `seconds`, and at once when its channel is notified.

    `make` is called once per worker and returns what is done; that is never called twice at the same time by one worker.
    It runs in a thread of those that wait for forges. What it raises is logged, and it is called again.
    """

    name: str
    make: Callable[[], Callable[[], object]]
    seconds: float
    channel: str  # of PostgreSQL's NOTIFY


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One kind of forge.

    `kind` is stored in connections and part of every webhook address: it never changes. `bind` asks nobody, is quick,
    and may raise ForgeError or VaultError; it is what `forges.connected.Forges` calls. `router` is served below
    `/api/v1/<kind>`. `needs_credential`: agents fetch its repositories with what `Forge.fetch_credential` gives.
    """

    kind: str
    title: str
    needs_credential: bool
    webhooks: Webhooks
    bind: Callable[[Connection], Forge]
    router: Router | None = None
    tasks: Sequence[WorkerTask] = ()
