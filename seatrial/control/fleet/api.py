"""REST: agents."""

from datetime import datetime
from typing import Annotated, Any

import structlog
from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.fleet import services
from seatrial.control.fleet.models import Agent
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.wire.agents import AgentRegistered, RegisterAgent

log = structlog.get_logger(__name__)
router = Router(tags=["agents"])
AgentId = Annotated[str, Path(description="Id of an agent.")]


class AgentAnswer(Schema):
    """One program on one Docker host. `heartbeat` is its last heartbeat."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name, unique on this server.")
    state: str = Field(description="online, draining, offline or revoked.")
    release: str = Field(description="The release of the program.")
    registered_at: datetime = Field(description="When it joined.")
    last_heartbeat_at: datetime | None = Field(
        description="When its last heartbeat came; null before the first one."
    )
    heartbeat: dict[str, Any] = Field(description="What its last heartbeat said.")


class AgentAsked(Schema):
    """`name` has lower-case letters, digits, dots, underscores and hyphens."""

    name: str = Field(description="Lower-case letters, digits, dots, underscores and hyphens.")


class BootstrapAnswer(Schema):
    """Shown once. Set it as GALLEY_AGENT_TOKEN of the new agent within 24 hours."""

    name: str = Field(description="The agent's name.")
    token: str = Field(description="Set it as GALLEY_AGENT_TOKEN of the agent within 24 hours.")


@router.get("/agents", response=list[AgentAnswer], summary="List agents by name")
def list_agents(
    request: HttpRequest, response: HttpResponse, limit: Limit = MOST, cursor: Cursor = ""
) -> list[AgentAnswer]:
    """All agents of this server."""
    rows = visible(person(request), Agent).filter(removed_at=None)
    return [
        answer(row) for row in page(rows, request, response, by=("name", "id"), limit=limit, cursor=cursor)
    ]


@router.post(
    "/agents",
    response={200: BootstrapAnswer, 400: ErrorAnswer, 403: ErrorAnswer},
    summary="Issue a bootstrap token for an agent",
)
def issue_bootstrap(request: HttpRequest, asked: AgentAsked) -> BootstrapAnswer:
    """The token lets one agent join, once. If another agent has the name, the new one replaces it."""
    require(person(request), Action.MANAGE_AGENTS, None)
    token = services.issue_bootstrap(asked.name, by=actor(request))
    return BootstrapAnswer(name=asked.name, token=token)


@router.post(
    "/agents/{agent_id}/revoke",
    response={200: AgentAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Cut an agent off for good",
)
def revoke(request: HttpRequest, agent_id: AgentId) -> AgentAnswer:
    """The bus disconnects it at once, and its previews are built again on other agents.

    Seatrial can no longer stop what runs on the agent's host.
    """
    asker = person(request)
    agent = find_visible(asker, Agent, agent_id)
    require(asker, Action.MANAGE_AGENTS, agent)
    services.revoke(agent, by=actor(request))
    return answer(agent)


@router.post(
    "/agents/register",
    auth=None,
    response={200: AgentRegistered, 403: ErrorAnswer, 503: ErrorAnswer},
    summary="Exchange a bootstrap token for a bus credential",
)
def register(request: HttpRequest, asked: RegisterAgent) -> AgentRegistered:
    """Called once by every agent. The bootstrap token in the body proves that it may join."""
    return services.register(asked)


def answer(agent: Agent) -> AgentAnswer:
    """One agent, as programs see it."""
    return AgentAnswer(
        id=agent.pk,
        name=agent.name,
        state=agent.state,
        release=agent.release,
        registered_at=agent.registered_at,
        last_heartbeat_at=agent.last_heartbeat_at,
        heartbeat=agent.heartbeat,
    )
