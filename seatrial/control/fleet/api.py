"""REST: agents."""

from datetime import datetime
from typing import Any

import structlog
from django.http import HttpRequest
from ninja import Router, Schema

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.fleet import services
from seatrial.control.fleet.models import Agent
from seatrial.wire.agents import AgentRegistered, RegisterAgent

log = structlog.get_logger(__name__)
router = Router(tags=["agents"])


class AgentAnswer(Schema):
    """One program on one Docker host. `heartbeat` is its last heartbeat."""

    id: str
    name: str
    state: str
    release: str
    registered_at: datetime
    last_heartbeat_at: datetime | None
    heartbeat: dict[str, Any]


class AgentAsked(Schema):
    """`name` has lower-case letters, digits, dots, underscores and hyphens."""

    name: str


class BootstrapAnswer(Schema):
    """Shown once. Set it as GALLEY_AGENT_TOKEN of the new agent within 24 hours."""

    name: str
    token: str


@router.get("/agents", response=list[AgentAnswer], summary="List agents by name")
def list_agents(request: HttpRequest) -> list[AgentAnswer]:
    """All agents of this server."""
    return [_answer(agent) for agent in visible(person(request), Agent).order_by("name")]


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
def revoke(request: HttpRequest, agent_id: str) -> AgentAnswer:
    """The bus disconnects it at once, and its previews are built again on other agents.

    Seatrial can no longer stop what runs on the agent's host.
    """
    asker = person(request)
    agent = find_visible(asker, Agent, agent_id)
    require(asker, Action.MANAGE_AGENTS, agent)
    services.revoke(agent, by=actor(request))
    return _answer(agent)


@router.post(
    "/agents/register",
    auth=None,
    response={200: AgentRegistered, 403: ErrorAnswer, 503: ErrorAnswer},
    summary="Exchange a bootstrap token for a bus credential",
)
def register(request: HttpRequest, asked: RegisterAgent) -> AgentRegistered:
    """Called once by every agent. The bootstrap token in the body proves that it may join."""
    return services.register(asked)


def _answer(agent: Agent) -> AgentAnswer:
    return AgentAnswer(
        id=agent.pk,
        name=agent.name,
        state=agent.state,
        release=agent.release,
        registered_at=agent.registered_at,
        last_heartbeat_at=agent.last_heartbeat_at,
        heartbeat=agent.heartbeat,
    )
