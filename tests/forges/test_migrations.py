"""An upgrade carries along what was there: pull requests of the local forge, and evaluations under way."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
BEFORE = [
    ("local_forge", None),
    ("forges", "0001_initial"),
    ("policies", "0001_initial"),
    ("projects", "0001_initial"),
]


def migrate(targets: list[tuple[str, str | None]]) -> Any:
    """The models as they are then."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return (
        MigrationExecutor(connection)
        .loader.project_state(
            [node for node in targets if node[1] is not None] + [("accounts", "0001_initial")]
        )
        .apps
    )


@pytest.fixture
def before() -> Iterator[Any]:
    yield migrate(BEFORE)
    upgrade()


def upgrade() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_rows_survive_the_upgrade(before: Any) -> None:
    assert apps.is_installed("seatrial.control.forges.local")
    workspace = before.get_model("accounts", "Workspace").objects.create(slug="ours", name="Ours")
    there = before.get_model("projects", "Connection").objects.create(
        workspace=workspace, forge="local", name="here"
    )
    project = before.get_model("projects", "Project").objects.create(
        workspace=workspace, connection=there, external_id="/r", name="r", slug="r", clone_url="/r"
    )
    pull = before.get_model("forges", "LocalPullRequest").objects.create(
        project=project, number=7, branch="feature", announcements=3, changed_at=timezone.now()
    )
    evaluation = before.get_model("policies", "Evaluation").objects.create(project=project, commit="a" * 40)
    upgrade()
    row = LocalPullRequest.objects.get()
    assert (row.pk, row.number, row.branch, row.announcements) == (pull.pk, 7, "feature", 3)
    again = LocalPullRequest.objects.create(
        project_id=project.pk, number=8, branch="other", changed_at=timezone.now()
    )
    assert again.pk > row.pk, "its numbers go on"
    assert Evaluation.objects.get().queued_at == evaluation.created_at
    assert Connection.objects.get().updated_at is not None
