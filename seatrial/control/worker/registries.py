"""Gives agents that are about to pull the login of one registry; the audit log says to whom."""

from django.db import transaction

from seatrial.control.audit.actors import Actor
from seatrial.control.bus import Bus
from seatrial.control.fleet.sealing import sealed
from seatrial.control.projects.scopes import record
from seatrial.control.projects.variables import tier_of
from seatrial.control.registries.setting import given
from seatrial.control.worker.answering import Subject
from seatrial.control.worker.database import Database
from seatrial.control.worker.giving import Giving, NotGiven, deployed
from seatrial.wire import subjects
from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.registries import (
    ANSWER_SECONDS,
    AskRegistryLogin,
    RegistryLogin,
    RegistryLoginRefused,
    SealedRegistryLogin,
)
from seatrial.wire.visible import visible

REGISTRIES = Subject(
    "registry login",
    subjects.REGISTRIES,
    "registries",
    AskRegistryLogin,
    at_once=8,
    seconds=ANSWER_SECONDS,
)


def registries(database: Database, bus: Bus) -> Giving[AskRegistryLogin]:
    """What answers."""
    return Giving(database, bus, REGISTRIES, answered, RegistryLoginRefused)


@transaction.atomic
def answered(agent_id: str, question: AskRegistryLogin) -> SealedRegistryLogin:
    """The login that is set now for the registry and the tier of the deployment, sealed to the agent's key.

    Raises NotGiven, UnfitKey, VaultError; then nothing was given, and the audit log says nothing.
    """
    agent, deployment = deployed(agent_id, question)
    environment = deployment.environment
    tier = tier_of(environment.pull_request)
    row = given(environment.project, tier).get(question.registry)
    if row is None:
        raise NotGiven(
            CredentialRefusal.NO_CREDENTIAL,
            f"No login for {visible(question.registry)[:260]} is set any more. Set it (Settings, Registries), or rebuild.",
        )
    login = RegistryLogin(id=row.pk, registry=row.registry, username=row.username, password=row.password)
    answer = SealedRegistryLogin(sealed=sealed(agent, login.model_dump_json()))
    details = {"registry": row.registry, "tier": tier, "preview": environment.name}
    by = Actor.agent(agent.name, id=agent.pk)
    record("registry_login.given", row.project or environment.project.workspace, by, details)
    return answer
