"""REST: one agent, draining it, and taking it off the lists."""

from django.http import HttpRequest
from ninja import Router

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.api import AgentId
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import draining
from seatrial.control.previews.agents.answers import AgentInFull, in_full
from seatrial.control.previews.agents.shown import agent_shown

router = Router(tags=["agents"])
PROBLEMS = {403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}


@router.get(
    "/agents/{agent_id}",
    response={200: AgentInFull, 404: ErrorAnswer},
    summary="One agent, and the previews on it",
)
def get_agent(request: HttpRequest, agent_id: AgentId) -> AgentInFull:
    """Also what would become of its previews if it were drained. One that was removed is still found by its id."""
    return in_full(agent_shown(person(request), agent_id))


@router.post(
    "/agents/{agent_id}/drain",
    response={200: AgentInFull, **PROBLEMS},
    summary="Place nothing new on an agent, and move what can move",
)
def drain(request: HttpRequest, agent_id: AgentId) -> AgentInFull:
    """Each preview is deployed on another agent, and visitors are sent there once it answers. What has data on the agent stays.

    Again: what failed elsewhere is tried once more.
    """
    draining.drain(_managed(request, agent_id), by=actor(request))
    return in_full(agent_shown(person(request), agent_id))


@router.post(
    "/agents/{agent_id}/undrain",
    response={200: AgentInFull, **PROBLEMS},
    summary="Let an agent take new previews again",
)
def undrain(request: HttpRequest, agent_id: AgentId) -> AgentInFull:
    """What has moved stays where it is."""
    fleet.undrain(_managed(request, agent_id), by=actor(request))
    return in_full(agent_shown(person(request), agent_id))


@router.delete(
    "/agents/{agent_id}",
    response={200: AgentInFull, **PROBLEMS},
    summary="Take an agent off the lists",
)
def remove(request: HttpRequest, agent_id: AgentId) -> AgentInFull:
    """One that is revoked, or offline with no preview on it; it is revoked then. What it did is kept."""
    draining.remove(_managed(request, agent_id), by=actor(request))
    return in_full(agent_shown(person(request), agent_id))


def _managed(request: HttpRequest, agent_id: str) -> Agent:
    return find_allowed(person(request), Action.MANAGE_AGENTS, Agent, agent_id)
