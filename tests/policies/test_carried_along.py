"""Migrations convert existing rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from seatrial.wire.evaluations import Finding
from seatrial.wire.findings import moved
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


FOUND = [
    {"file": "a.py", "line": 3, "kind": "token", "severity": "high"},
    "text",
    {"path": "b", "line": "4", "fix": 1},
]


def test_findings_leave_the_details_as_an_agent_moves_them(before: Any) -> None:
    earlier = migrate(("policies", "0007_network"))
    project = factories.project(factories.workspace(), "findings")
    policies = earlier.get_model("policies", "Policy").objects
    policy = policies.create(workspace_id=project.workspace_id, slug="no-secrets", name="No secrets")
    version = earlier.get_model("policies", "PolicyVersion").objects.create(policy=policy, number=1)
    evaluation = earlier.get_model("policies", "Evaluation").objects.create(
        project_id=project.pk, commit="a" * 40
    )
    rows = earlier.get_model("policies", "Result").objects
    kept = {"files": 3, "findings": FOUND, "findings_left_out": 2}
    key = rows.create(evaluation=evaluation, version_id=version.pk, state="failed", details=kept).pk
    row = migrate(("policies", "0008_findings")).get_model("policies", "Result").objects.get(pk=key)
    details, findings, left_out = moved(kept)
    assert (row.details, row.findings_left_out) == (details, left_out) == ({"files": 3}, 2)
    assert [Finding.model_validate(one) for one in row.findings] == findings
    assert row.findings[0]["message"] == "kind: token" and row.findings[1]["message"] == "text"


def test_policies_that_there_are_go_on_judging_every_project_and_weigh_what_they_did(before: Any) -> None:
    earlier = migrate(("policies", "0008_findings"))
    policies = earlier.get_model("policies", "Policy").objects
    key = policies.create(workspace_id=factories.workspace().pk, slug="no-secrets", name="No secrets").pk
    later = migrate(("policies", "0012_attachments"))
    assert later.get_model("policies", "Policy").objects.get(pk=key).level == "soft"
    (attachment,) = later.get_model("policies", "Attachment").objects.filter(policy=key)
    assert attachment.everything and not attachment.excluded and attachment.starts_at is None


def test_pull_requests_were_opened_when_they_were_first_known_or_changed(before: Any) -> None:
    earlier = migrate(("projects", "0006_removal"))
    workspace = factories.workspace()
    host = factories.connection(workspace)
    project = earlier.get_model("projects", "Project").objects.create(
        workspace_id=workspace.pk, connection_id=host.pk, external_id="1", name="shop", slug="shop", clone_url="/s"
    )  # fmt: skip
    rows = earlier.get_model("projects", "PullRequest").objects
    long_ago, soon = (timezone.now() + timedelta(days=days) for days in (-9, 1))
    made = {
        rows.create(project=project, number=number, branch="b", head_sha="a" * 40, changed_at=at).pk: at
        for number, at in enumerate((long_ago, soon))
    }
    after = migrate(("projects", "0007_labels_and_opened_at")).get_model("projects", "PullRequest").objects
    opened = {row.pk: row.opened_at for row in after.all()}
    first, second = made
    assert opened[first] == long_ago and abs(opened[second] - timezone.now()) < timedelta(hours=1)
