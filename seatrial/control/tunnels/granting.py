"""Who may open a tunnel into a preview, and what the audit log says of it.

It takes the role developer in the workspace, a token without scopes, a preview that runs, and a project that allows it. Whoever may get
into a preview reads what its services are given, secrets too: that is not less than what somebody gets by pushing code that prints them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.sleeping import services as sleeping
from seatrial.control.projects.variables import counting, tier_of
from seatrial.control.tunnels.errors import InvalidWish, NoTunnel
from seatrial.wire.envelope import new_id
from seatrial.wire.tunnels import MOST_COMMAND, Carries, OpenTunnel, Outcome, TunnelEnd

SHORTEST_SECRET = 6  # characters; shorter ones are words of any text
AGAIN_SECONDS = 3_600.0  # connections to the same port by the same person are recorded once in this time
MOST_RECORDED = 2_000  # characters of a command
Text = Annotated[str, StringConstraints(pattern="^[^\x00]*$", max_length=MOST_COMMAND)]


class NotSignedIn(ControlError):
    """No token, or one that is unknown or has expired."""

    code = "not_authenticated"
    status = 401


class Wish(BaseModel):
    """The first message on a WebSocket. `command`, `fed` (whether it gets input) and `terminal` with `rows` and `columns`; or `port`."""

    model_config = ConfigDict(extra="forbid")

    carries: Carries
    service: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    command: list[Text] = Field(default_factory=list, max_length=1_000)
    terminal: bool = False
    fed: bool = False
    rows: int = Field(default=0, ge=0, le=65_535)
    columns: int = Field(default=0, ge=0, le=65_535)
    port: int = Field(default=0, ge=0, le=65_535)


@dataclass(frozen=True)
class Grant:
    """Somebody may open this tunnel. `token` and `environment` are for asking again while it is open."""

    agent: str
    asked: OpenTunnel
    actor: Actor
    workspace: str
    token: str = field(repr=False)
    details: Mapping[str, Any] = field(default_factory=dict)


def wish_of(message: str) -> Wish:
    """Raises InvalidWish."""
    try:
        wish = Wish.model_validate_json(message)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}" for one in error.errors()
        )
        raise InvalidWish(
            f"The first message says what the tunnel carries, as JSON. {places[:500]}"
        ) from None
    if wish.carries is Carries.COMMAND and (not wish.command or sum(map(len, wish.command)) > MOST_COMMAND):
        raise InvalidWish(f"command: at least one word, and at most {MOST_COMMAND:,} characters.")
    if wish.carries is Carries.CONNECTION and not wish.port:
        raise InvalidWish("port: from 1 to 65535.")
    return wish


def admitted(token: str, key: str, address: str | None = None) -> tuple[Environment, Actor]:
    """The preview, and who asks: they may open tunnels into it as far as they are concerned. Raises ControlError."""
    row = tokens.find(token)
    if row is None:
        raise NotSignedIn("Send an API token: Authorization: Bearer sea_...")
    related = ("project", "pull_request", "live")
    environment = find_allowed(row.user, Action.OPEN_TUNNEL, Environment, key, *related)
    return environment, Actor.token(row.name, owner=row.user.username, id=row.pk, address=address)


def granted(token: str, key: str, wish: Wish, address: str | None = None) -> Grant:
    """The tunnel that may be opened. Raises ControlError."""
    environment, actor = admitted(token, key, address)
    live = _running(environment)
    asked = OpenTunnel(
        tunnel=new_id(),
        environment=environment.pk,
        deployment=live.pk,
        service=wish.service,
        carries=wish.carries,
        command=wish.command,
        terminal=wish.terminal,
        fed=wish.fed,
        rows=wish.rows,
        columns=wish.columns,
        port=wish.port,
    )
    details = {"tunnel": asked.tunnel, "deployment": live.pk, "service": wish.service}
    details |= {"port": wish.port} if wish.port else {"command": _recorded(environment, live, wish.command)}
    return Grant(live.agent_id or "", asked, actor, environment.project.workspace_id, token, details)


def _running(environment: Environment) -> Deployment:
    """What of it runs. Raises NoTunnel."""
    project, name = environment.project, environment.name
    if not project.tunnels_allowed:
        raise NoTunnel(
            f"{project.name} allows nobody into its previews: an admin of it decides that in its settings."
        )
    if environment.pull_request.from_fork and not project.tunnels_of_forks:
        raise NoTunnel(
            f"{name} is of a fork, and {project.name} allows nobody into those: an admin of it decides that in its settings."
        )
    if environment.live is None or not environment.live.agent_id:
        raise NoTunnel(f"{name} does not run: nothing of it is live.")
    if environment.asleep_since is not None:
        raise NoTunnel(f"{name} is asleep. Wake it first: seatrial wake {name}")
    return environment.live


def still_granted(grant: Grant, carried: bool) -> Outcome | None:
    """None while it may go on, else why not. What was `carried` since the last time keeps the preview awake."""
    try:
        environment, _ = admitted(grant.token, grant.asked.environment)
        _running(environment)
    except NoTunnel:
        return Outcome.STOPPED
    except ControlError:
        return Outcome.FORBIDDEN
    if carried:
        sleeping.visited(environment.pk, timezone.now())
    return None


class Records:
    """Writes the audit log: every command when it begins and when it ends, and who connects to which port."""

    def __init__(self) -> None:
        self._connected: dict[tuple[str, str, str, int], float] = {}

    def opened(self, grant: Grant) -> None:
        """Before anything is asked of the agent."""
        if self._is_new(grant):
            self._record("tunnel.open", grant, dict(grant.details))

    def ended(self, grant: Grant, end: TunnelEnd, seconds: float) -> None:
        """Of a connection, only why it was refused."""
        if grant.asked.carries == Carries.COMMAND or end.outcome == Outcome.REFUSED:
            said = {"outcome": str(end.outcome), "exit_code": end.exit_code, "seconds": round(seconds, 1)}
            self._record(
                "tunnel.close", grant, {"tunnel": grant.asked.tunnel, "service": grant.asked.service} | said
            )

    def _is_new(self, grant: Grant) -> bool:
        if grant.asked.carries == Carries.COMMAND:
            return True
        now = time.monotonic()
        self._connected = {key: at for key, at in self._connected.items() if now - at < AGAIN_SECONDS}
        key = (str(grant.actor), grant.asked.environment, grant.asked.service, grant.asked.port)
        return self._connected.setdefault(key, now) == now

    def _record(self, action: str, grant: Grant, details: dict[str, Any]) -> None:
        target = f"environment/{grant.asked.environment}"
        audit.record(action, target, by=grant.actor, workspace=grant.workspace, details=details)


def _recorded(environment: Environment, live: Deployment, command: list[str]) -> list[str]:
    """The command without the secrets of the preview."""
    tier = tier_of(environment.pull_request)
    rows = counting(environment.project, tier, live.created_at).filter(secret=True)
    secrets = sorted(((row.value, row.name) for row in rows), key=lambda pair: -len(pair[0]))
    left, words = MOST_RECORDED, []
    for word in command:
        masked = _masked(word, secrets)
        words.append(masked[:left])
        left = max(0, left - len(masked))
    return words


def _masked(word: str, secrets: list[tuple[str, str]]) -> str:
    for value, name in secrets:
        if len(value) >= SHORTEST_SECRET:
            word = word.replace(value, f"${{{name}}}")
    return word
