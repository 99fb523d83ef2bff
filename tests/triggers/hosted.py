"""A team, a forge whose webhooks come to this process, and the connection between them."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.projects.models import Project
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.wakeups import Wakeups
from tests import factories
from tests.forges.hosts.kinds import SITES
from tests.forges.hosts.site import Site, Webhook
from tests.repositories import repository

SHOP, BOT = "acme/shop", "seatrial-bot"


class DeliveringHere(Site):
    """Its webhooks come to this process. `lost` ones get nowhere."""

    lost = False

    def post(self, webhook: Webhook, headers: dict[str, str], body: bytes) -> int:
        if self.lost:
            return 0
        others = {name: value for name, value in headers.items() if name != "Content-Type"}
        path = "/" + webhook.url.split("/", 3)[3]
        kind = headers["Content-Type"]
        try:
            return Client().post(path, body, content_type=kind, headers=others).status_code
        finally:
            if (
                threading.current_thread() is not threading.main_thread()
            ):  # somebody asked the forge for a test
                database.close()


def delivering_here(which: str, root: Path) -> DeliveringHere:
    """One of the forges, whose webhooks come to this process."""
    made: DeliveringHere = type("Here", (DeliveringHere, SITES[which]), {})(root)
    return made


class Team:
    """A workspace with people, who call REST with their tokens."""

    def __init__(self) -> None:
        self.people = {role: factories.user(role) for role in ("owner", "developer", "viewer", "stranger")}
        own = {role: self.people[role] for role in ("owner", "developer", "viewer")}
        self.workspace: Workspace = factories.workspace("team", **own)
        factories.workspace("other", owner=self.people["stranger"])
        factories.policy(self.workspace, "Has readme")

    def call(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = tokens.issue(self.people[who], "test", by=Actor.person("test"))
        answer = Client().generic(
            method,
            f"/api/v1{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        return answer.status_code, answer.json()


@pytest.fixture
def which() -> str:
    """Which forge it is, where a test does not say."""
    return "github"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(which: str, tmp_path: Path, source: Path) -> Iterator[DeliveringHere]:
    site = delivering_here(which, tmp_path / which)
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving():
        site.repository(SHOP, source, admin=BOT)
        yield site
    assert site.complaints == []


@pytest.fixture
def team() -> Team:
    return Team()


def asked(site: Site, **changes: str) -> dict[str, str]:
    return {"forge": site.kind, "base_url": site.url, "credential": site.people[BOT].token, **changes}


@pytest.fixture
def connection(site: Site, team: Team) -> str:
    status, answer = team.call("owner", "POST", "/connections", asked(site))
    assert status == 200, answer
    assert answer["account"]["login"] == BOT and answer["webhook_secret"]
    return str(answer["id"])


@pytest.fixture
def project(connection: str, team: Team, lanes: Callable[[], None]) -> Project:
    """The repository, under trial, with an agent that takes its previews."""
    factories.agent()
    status, answer = team.call(
        "owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]}
    )
    assert status == 200 and not answer["refused"], answer
    lanes()
    return Project.objects.get(pk=answer["projects"][0]["id"])


def handle() -> None:
    """Every delivery that waits, as the worker does it."""
    while Deliveries(Database(1), Wakeups([])).batch():
        pass
