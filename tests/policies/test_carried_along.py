"""Migrations convert existing rows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
BEFORE = ("policies", "0004_waived")
SAID = "Waits for the forge's facts about the repository: No request is left at the forge for 60 s."


def migrate(*targets: tuple[str, str]) -> Any:
    MigrationExecutor(connection).migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps


@pytest.fixture
def before() -> Iterator[Any]:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        yield migrate(BEFORE)
    finally:
        migrate(*latest)


def test_what_an_evaluation_waits_for_becomes_a_column(before: Any) -> None:
    project = factories.project(factories.workspace(), "shop")
    rows = before.get_model("policies", "Evaluation").objects
    waiting = rows.create(project_id=project.pk, commit="a" * 40, message=SAID).pk
    over = rows.create(
        project_id=project.pk, commit="b" * 40, state="errored", message=SAID, queued_at=timezone.now()
    ).pk
    migrated = migrate(("policies", "0005_waits_for")).get_model("policies", "Evaluation").objects
    after = {row.pk: row for row in migrated.all()}
    assert (after[waiting].message, after[over].waits_for) == ("", "")
    assert f"Waits for {after[waiting].waits_for}." == after[over].message == SAID
    back = migrate(BEFORE).get_model("policies", "Evaluation").objects
    assert back.get(pk=waiting).message.startswith("Waits for the forge's facts")
