"""How a kind of forge joins the control plane: with everything it provides, in one object."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ninja import Router

from seatrial.control.forges.oauth.host import OAuthHost
from seatrial.control.forges.protocol import Forge, Webhooks
from seatrial.control.projects.models import Connection


@dataclass(frozen=True, kw_only=True)
class WorkerTask:
    """Work that a forge has every worker do: every `seconds`, and at once when its channel is notified.

    `make` is called once per worker and returns the function that does the work. A worker never calls that function
    twice at the same time; it runs in one of the threads that wait for forges. An exception is logged, and the function
    is called again at the next turn.
    """

    name: str
    make: Callable[[], Callable[[], object]]
    seconds: float
    channel: str  # of PostgreSQL's NOTIFY


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How people connect to a forge that is a server of its own. `bind` gives a HostedForge.

    `base_url` is what most people connect to, empty where there is no such; `credential` says what to paste. `oauth`: how
    they authorize this server instead; None: they cannot.
    """

    base_url: str
    credential: str
    oauth: OAuthHost | None = None


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One kind of forge.

    `kind` is stored in connections and part of every webhook address, so it never changes. `forges.connected.Forges`
    calls `bind`, which sends no request, is quick, and may raise ForgeError or VaultError. `router` is served below
    `/api/v1/<kind>`. `pull_path` leads from a repository's page to that of a pull request, `file_path` to a file. `needs_credential`: agents fetch its repositories with what `Forge.fetch_credential` gives. `prune`
    deletes rows of its own tables that are too old at the given time, and returns how many.
    """

    kind: str
    title: str
    needs_credential: bool
    webhooks: Webhooks
    bind: Callable[[Connection], Forge]
    pull_path: str = ""  # with {number} in it; empty: there are no such pages
    file_path: str = ""  # to a file of a branch: with {branch} and {path} in it
    router: Router | None = None
    tasks: Sequence[WorkerTask] = ()
    hosting: Hosting | None = None
    prune: Callable[[datetime], int] | None = None
