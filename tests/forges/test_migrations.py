"""An upgrade carries along what was there: pull requests of the local forge, and evaluations under way."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.models import PostedReport
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


def test_what_forges_were_told_about_commits_is_still_known() -> None:
    before = migrate([("forges", "0007_budgets_and_reports"), ("projects", "0006_removal")])
    try:
        workspace = before.get_model("accounts", "Workspace").objects.create(slug="ours", name="Ours")
        there = before.get_model("projects", "Connection").objects.create(
            workspace=workspace, forge="local", name="here", updated_at=timezone.now()
        )
        project = before.get_model("projects", "Project").objects.create(
            workspace=workspace, connection=there, external_id="/r", name="r", slug="r", clone_url="/r"
        )
        a, b = "a" * 40, "b" * 64
        for digest, about in enumerate(
            (f"verdict on {a}", f"preview of 1 at {a}", f"preview of 22 at {a}", f"preview of 3 at {b}")
        ):
            before.get_model("forges", "PostedReport").objects.create(
                project=project, about=about, digest=str(digest), posted_at=timezone.now()
            )
    finally:
        upgrade()
    rows = PostedReport.objects.order_by("digest").values_list(
        "what", "about", "digest", "sending", "unfinished"
    )
    assert list(rows) == [
        ("verdict", a, "0", False, False),
        ("preview", a, "2", False, False),
        ("preview", b, "3", False, False),
    ]
