"""Migrations convert existing rows."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from seatrial.control.previews import services
from seatrial.control.previews.models import Deployment, Environment, Placement
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
BEFORE = ("previews", "0001_initial")


def migrate(*target: tuple[str, str]):
    executor = MigrationExecutor(connection)
    executor.migrate(list(target))
    return MigrationExecutor(connection).loader.project_state(list(target)).apps


@pytest.fixture
def before() -> Iterator[object]:
    try:
        yield migrate(BEFORE)
    finally:
        migrate(*latest())


def latest() -> list[tuple[str, str]]:
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


def test_environments_and_deployments_keep_their_agent(before) -> None:
    agent = factories.agent()
    shop = factories.project(factories.workspace(), "shop")
    now = timezone.now()

    def made(state: str, *, on: str | None, **fields: object) -> str:
        pull = factories.pull_request(shop)
        row = before.get_model("previews", "Environment").objects.create(
            project_id=shop.pk,
            pull_request_id=pull.pk,
            name=f"pr-{pull.number}-shop",
            state=state,
            agent_id=on,
            revision=7,
            **fields,
        )
        live = before.get_model("previews", "Deployment").objects.create(
            environment=row, commit="a" * 40, state="live"
        )
        row.live = live if state == "running" else None
        row.save()
        return row.pk

    running = made("running", on=agent.pk)
    leaving = made("terminated", on=agent.pk, terminated_at=now)
    gone = made("terminated", on=agent.pk, terminated_at=now, removed_at=now)
    waiting = made("building", on=None)
    migrate(*latest())
    placed = {row.environment_id: row for row in Placement.objects.all()}
    assert placed.keys() == {running, leaving, gone}
    assert all(row.agent_id == agent.pk and row.revision == 7 for row in placed.values())
    assert (placed[running].leaving_since, placed[running].removed_at) == (None, None)
    assert (placed[leaving].leaving_since, placed[leaving].removed_at) == (now, None)
    assert placed[gone].removed_at == now
    assert placed[running].created_at == Environment.objects.get(pk=running).created_at
    agents = dict(Deployment.objects.values_list("environment", "agent"))
    assert agents == {running: agent.pk, leaving: agent.pk, gone: agent.pk, waiting: None}
    desired = services.desired(placed[running])
    assert desired is not None and desired.live is not None and desired.revision == 7

    back = migrate(BEFORE)
    agents = dict(back.get_model("previews", "Environment").objects.values_list("pk", "agent"))
    assert agents == {running: agent.pk, leaving: agent.pk, gone: agent.pk, waiting: None}


def test_what_stopped_a_preview_becomes_a_word_of_its_own(before) -> None:
    shop = factories.project(factories.workspace(), "shop")

    def made(stopped_by: str) -> str:
        pull = factories.pull_request(shop)
        row = before.get_model("previews", "Environment").objects.create(
            project_id=shop.pk, pull_request_id=pull.pk, state="terminated", stopped_by=stopped_by
        )
        return row.pk

    shown = {made("ada (token:laptop)"): "ada (token:laptop)", made("its time to live"): "its time to live"}
    shown[made("")] = ""
    migrate(*latest())
    rows = Environment.objects.all()
    assert {row.pk: row.stopper for row in rows} == shown
    assert sorted((row.stop_cause, row.stopped_by) for row in rows) == [
        ("", ""),
        ("person", "ada (token:laptop)"),
        ("time_to_live", ""),
    ]
    back = migrate(BEFORE)
    assert dict(back.get_model("previews", "Environment").objects.values_list("pk", "stopped_by")) == shown


def test_what_a_deployment_waits_for_becomes_a_column_and_why_one_failed_stays_its_message(before) -> None:
    pull = factories.pull_request(factories.project(factories.workspace(), "shop"))
    environment = before.get_model("previews", "Environment").objects.create(
        project_id=pull.project_id, pull_request_id=pull.pk, name="pr-1-shop"
    )

    def made(state: str, message: str, **fields: object) -> str:
        rows = before.get_model("previews", "Deployment").objects
        row = rows.create(environment=environment, commit="a" * 40, state=state, message=message, **fields)
        return row.pk

    route = made("starting", "Waits for its route: Traefik is away.")
    failed = made("failed", "Waits for nobody. It exited with 3.", finished_at=timezone.now())
    building = made("building", "")
    migrate(*latest())
    rows = {row.pk: row for row in Deployment.objects.all()}
    assert (rows[route].waits_for, rows[route].message) == ("its route: Traefik is away", "")
    assert rows[route].shown_message == "Waits for its route: Traefik is away."
    assert (rows[failed].waits_for, rows[failed].message) == ("", "Waits for nobody. It exited with 3.")
    assert (rows[building].waits_for, rows[building].notes) == ("", [])
    # Nobody asks a forge about what was under way before
    assert all(row.confirmed_at == row.created_at and row.unconfirmed == "" for row in rows.values())

    back = dict(migrate(BEFORE).get_model("previews", "Deployment").objects.values_list("pk", "message"))
    assert back[route] == "Waits for its route: Traefik is away."
