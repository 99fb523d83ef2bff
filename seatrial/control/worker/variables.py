"""Gives agents that ask for them the variables of a deployment."""

from seatrial.control.bus import Bus
from seatrial.control.fleet.sealing import sealed
from seatrial.control.projects.variables import given, tier_of
from seatrial.control.worker.answering import Subject
from seatrial.control.worker.database import Database
from seatrial.control.worker.giving import Giving, deployed
from seatrial.wire import subjects
from seatrial.wire.variables import ANSWER_SECONDS, AskVariables, SealedVariables, Values, VariablesRefused

VARIABLES = Subject(
    "answer about variables", subjects.VARIABLES, "variables", AskVariables, at_once=8, seconds=ANSWER_SECONDS
)


def variables(database: Database, bus: Bus) -> Giving[AskVariables]:
    """What answers."""
    return Giving(database, bus, VARIABLES, answered, VariablesRefused)


def answered(agent_id: str, question: AskVariables) -> SealedVariables:
    """The variables that the deployment began with, sealed to the agent's key. Raises NotGiven, UnfitKey, VaultError."""
    agent, deployment = deployed(agent_id, question)
    environment = deployment.environment
    rows = given(environment.project, tier_of(environment.pull_request), deployment.created_at)
    values = {name: row.value for name, row in rows.items()}
    secret = [name for name, row in rows.items() if row.secret]
    builds = [name for name, row in rows.items() if row.builds]
    whole = Values(values=values, secret=secret, builds=builds)
    return SealedVariables(sealed=sealed(agent, whole.model_dump_json()))
