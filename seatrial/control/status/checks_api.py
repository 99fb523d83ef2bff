"""REST: everything that has to work, for the instance admin; the page Health and `seatrial doctor` show the same."""

from collections.abc import Iterator

from django.http import HttpRequest
from ninja import Field, Router, Schema

from seatrial.control.accounts.access import Action, require, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.fleet.models import Agent
from seatrial.control.status.check import Check
from seatrial.control.status.checks import of_agents, of_certificates, of_server
from seatrial.control.status.code_hosts import of_code_hosts
from seatrial.control.status.upkeep import of_upkeep
from seatrial.wire.states import AgentState

router = Router(tags=["status"])


class CheckAnswer(Schema):
    """One thing that has to work."""

    about: str = Field(description="What it is about, as docs/json.md lists them.")
    subject: str = Field(
        description="Id of the agent or connection, or name of the certificate, that it is about; empty: this server."
    )
    well: bool = Field(description="Whether it is right.")
    text: str = Field(description="What was found, for people.")
    fix: str = Field(description="What to do, for people; each line is a command where there are several.")
    grave: bool = Field(description="If it is not right: whether something does not work because of it.")


@router.get("/health/checks", response=list[CheckAnswer], summary="Everything that has to work")
def checks(request: HttpRequest) -> list[CheckAnswer]:
    """This server, its certificates, its agents and their hosts, its connections, in this order. For the instance admin."""
    user = person(request)
    require(user, Action.MANAGE_AGENTS, None)
    agents = list(visible(user, Agent).exclude(state=AgentState.REVOKED).order_by("name"))
    return [
        CheckAnswer(
            about=one.about,
            subject=one.subject,
            well=one.well,
            text=one.text,
            fix="" if one.well else one.fix,
            grave=one.grave,
        )
        for one in every(agents)
    ]


def every(agents: list[Agent]) -> Iterator[Check]:
    """All checks. `agents`: those that are not revoked."""
    yield from of_server(agents)
    yield from of_upkeep()
    yield from of_certificates()
    yield from of_agents(agents)
    yield from of_code_hosts()
