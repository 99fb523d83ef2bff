"""What happened to policies, evaluations and the pull requests they judge."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from django.apps.registry import Apps
from django.utils import timezone

from seatrial.wire.evaluations import Finding
from seatrial.wire.findings import moved
from tests.installation.history.stories import make, project, pull_request, story, workspace

Told = Generator[None, Apps, None]
SAID = "Waits for the forge's facts about the repository: No request is left at the forge for 60 s."
FOUND = [
    {"file": "a.py", "line": 3, "kind": "token", "severity": "high"},
    "text",
    {"path": "b", "line": "4", "fix": 1},
]


def by_key(now: Apps, model: str) -> dict[Any, Any]:
    return {row.pk: row for row in now.get_model(model)._default_manager.all()}


@story("policies", "0002_queued_at_and_base")
def evaluations_were_queued_when_they_were_made(then: Apps) -> Told:
    made = make(then, "policies.Evaluation", project=project(then, "queued"), commit="a" * 40)
    now = yield
    assert by_key(now, "policies.Evaluation")[made.pk].queued_at == made.created_at


@story("policies", "0005_waits_for")
def what_an_evaluation_waits_for_becomes_a_column(then: Apps) -> Told:
    of = project(then, "waiting")
    waiting = make(then, "policies.Evaluation", project=of, commit="a" * 40, message=SAID)
    over = make(
        then,
        "policies.Evaluation",
        project=of,
        commit="b" * 40,
        state="errored",
        message=SAID,
        queued_at=timezone.now(),
    )
    rows = by_key((yield), "policies.Evaluation")
    assert (rows[waiting.pk].message, rows[over.pk].waits_for) == ("", "")
    assert f"Waits for {rows[waiting.pk].waits_for}." == rows[over.pk].message == SAID


@story("policies", "0008_findings")
def findings_leave_the_details_as_an_agent_moves_them(then: Apps) -> Told:
    of = project(then, "findings")
    policy = make(then, "policies.Policy", workspace=of.workspace, slug="no-secrets", name="No secrets")
    version = make(then, "policies.PolicyVersion", policy=policy, number=1)
    evaluation = make(then, "policies.Evaluation", project=of, commit="a" * 40)
    kept = {"files": 3, "findings": FOUND, "findings_left_out": 2}
    made = make(then, "policies.Result", evaluation=evaluation, version=version, state="failed", details=kept)
    row = by_key((yield), "policies.Result")[made.pk]
    details, findings, left_out = moved(kept)
    assert (row.details, row.findings_left_out) == (details, left_out) == ({"files": 3}, 2)
    assert [Finding.model_validate(one) for one in row.findings] == findings
    assert row.findings[0]["message"] == "kind: token" and row.findings[1]["message"] == "text"


@story("policies", "0010_levels", until=("policies", "0012_attachments"))
def policies_that_there_are_go_on_judging_every_project_and_weigh_what_they_did(then: Apps) -> Told:
    policy = make(then, "policies.Policy", workspace=workspace(then, "levels"), slug="one", name="One")
    now = yield
    assert by_key(now, "policies.Policy")[policy.pk].level == "soft"
    (attachment,) = now.get_model("policies.Attachment").objects.filter(policy=policy.pk)
    assert attachment.everything and not attachment.excluded and attachment.starts_at is None


@story("projects", "0007_labels_and_opened_at")
def pull_requests_were_opened_when_they_were_first_known_or_changed(then: Apps) -> Told:
    of = project(then, "opened")
    long_ago, soon = (timezone.now() + timedelta(days=days) for days in (-9, 1))
    first, second = (
        pull_request(then, of, number, changed_at=at).pk for number, at in enumerate((long_ago, soon))
    )
    rows = by_key((yield), "projects.PullRequest")
    assert rows[first].opened_at == long_ago
    assert abs(rows[second].opened_at - timezone.now()) < timedelta(hours=1)
