"""Which preview an agent may visit for a policy, and how: everything that a policy says is checked here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from seatrial.control.entrance import passes
from seatrial.control.errors import ControlError
from seatrial.control.fleet.models import Agent
from seatrial.control.policies import fetching as evaluations
from seatrial.control.policies.trials import fetching as trials
from seatrial.control.previews.models import Environment
from seatrial.control.previews.routes import gated, urls
from seatrial.control.triggers.looking import live_deployment
from seatrial.wire.previews import AskVisit
from seatrial.wire.states import AgentState

METHODS = ("GET", "HEAD")
MOST_PATH = 2_000
MOST_HEADERS = 20
MOST_HEADER = 1_000
PATH = re.compile(r"/[!-\[\]-~]*")  # what is printed in ASCII, without spaces and backslashes
HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+): ?([ -~\t]*)")
# The connection's, the ingress's and what says whom it is for
OURS = re.compile(
    r"host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|forwarded|via|"
    r"x-galley-.*|x-forwarded-.*|x-real-.*|proxy-.*",
    re.IGNORECASE,
)


class NotVisited(ControlError):
    """Nothing is visited. `asked_wrongly`: the policy is told why, and may go on. `soon`: that its agent runs it may be on its way to
    us."""

    code = "not_visited"
    status = 403

    def __init__(self, message: str, *, asked_wrongly: bool = False, soon: bool = False) -> None:
        super().__init__(message)
        self.asked_wrongly = asked_wrongly
        self.soon = soon


@dataclass(frozen=True)
class Destination:
    """Where one visit goes. `url` is the preview's own address, with the path."""

    deployment: str
    url: str
    method: str
    headers: Mapping[str, str]


def destination(agent_id: str, asked: AskVisit) -> Destination:
    """Where this agent may go now, by the database. Raises NotVisited."""
    agent = Agent.objects.filter(pk=agent_id).exclude(state=AgentState.REVOKED).first()
    if agent is None:
        raise NotVisited("This agent was revoked, or was never registered.")
    key = evaluations.visits(agent.pk, asked.run) or trials.visits(agent.pk, asked.run)
    if not key:
        raise NotVisited(
            f"Agent {agent.name} runs nothing called {asked.run[:26]} that looks at a preview.",
            soon=evaluations.may_be_taken(asked.run) or trials.may_be_taken(asked.run),
        )
    deployment = live_deployment(key)
    if deployment is None:
        raise NotVisited(
            "The preview is not live any more: it was stopped, or another version took its place."
        )
    address = _address(urls(deployment.environment), asked.service, deployment.environment.name)
    return Destination(
        deployment.pk,
        address + checked_path(asked.path),
        checked_method(asked.method),
        checked_headers(asked.headers) | _through_the_gate(deployment.environment),
    )


def _through_the_gate(environment: Environment) -> dict[str, str]:
    """What lets this server itself in, where visitors are asked who they are."""
    return {"X-Galley-Bypass": passes.for_visit(environment.pk)} if gated(environment) else {}


def _address(addresses: Mapping[str, str], service: str, name: str) -> str:
    """Of the service, or the preview's own: that of its web service."""
    if not addresses:
        raise NotVisited("No service of this preview has an address.", asked_wrongly=True)
    if service:
        if service in addresses:
            return addresses[service]
        there_are = ", ".join(sorted(addresses))
        raise NotVisited(
            f"No service {service[:63]!r} has an address; there is: {there_are}", asked_wrongly=True
        )
    bare = f"://{name}."
    return next((one for one in addresses.values() if bare in one), next(iter(addresses.values())))


def checked_path(path: str) -> str:
    """The path, if it cannot lead anywhere else. Raises NotVisited."""
    plain = path.partition("#")[0]
    if len(plain) > MOST_PATH:
        raise NotVisited(f"a path has at most {MOST_PATH:,} characters", asked_wrongly=True)
    where = unquote(plain.partition("?")[0])
    if not PATH.fullmatch(plain) or plain.startswith("//") or ".." in where.replace("\\", "/").split("/"):
        raise NotVisited(
            f"{path[:80]!r} is no path of a preview. It begins with one /, has only printable ASCII (write others as %C3%A9), and no "
            "/../",
            asked_wrongly=True,
        )
    return plain


def checked_method(method: str) -> str:
    """The method. Raises NotVisited."""
    if method not in METHODS:
        raise NotVisited(f"{method[:20]!r}: a preview is visited with GET or HEAD", asked_wrongly=True)
    return method


def checked_headers(lines: Iterable[str]) -> dict[str, str]:
    """The headers. Raises NotVisited."""
    found: dict[str, str] = {}
    for line in lines:
        match = HEADER.fullmatch(line)
        if match is None or len(line) > MOST_HEADER or len(found) == MOST_HEADERS:
            raise NotVisited(
                f"{line[:80]!r} is no header that is sent: at most {MOST_HEADERS}, each one line of printable ASCII, up to "
                f"{MOST_HEADER:,} characters",
                asked_wrongly=True,
            )
        if OURS.fullmatch(match[1]):
            raise NotVisited(f"the header {match[1]} is not a policy's to set", asked_wrongly=True)
        found[match[1]] = match[2]
    return found
