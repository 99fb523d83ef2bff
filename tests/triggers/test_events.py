"""The consequences of a push or a tag."""

import json

import pytest

from seatrial.control.policies.models import Evaluation
from seatrial.control.triggers.events import outcome
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B, NONE = "a" * 40, "b" * 40, "0" * 40


@pytest.mark.parametrize(
    ("ref", "before", "expected"),
    [
        ("refs/heads/main", B, ("push", B)),
        ("refs/heads/new", NONE, ("push", "")),
        ("refs/tags/v1", NONE, ("tag", "")),
    ],
)
def test_a_push_is_compared_with_what_the_branch_was_at(
    ref: str, before: str, expected: tuple[str, str]
) -> None:
    project = factories.project(factories.workspace())
    factories.policy(project.workspace, "Has readme")
    repository = {"id": 1, "clone_url": project.external_id}
    body = {"ref": ref, "before": before, "after": A, "repository": repository}
    said = outcome(factories.delivery(project.connection, event="push", body=json.dumps(body).encode()))
    evaluation = Evaluation.objects.get()
    assert said == f"evaluation {evaluation.pk}"
    assert (evaluation.event, evaluation.base_commit) == expected


def test_where_no_policy_applies_it_is_said() -> None:
    project = factories.project(factories.workspace())
    body = {"ref": "refs/heads/x", "after": A, "repository": {"id": 1, "clone_url": project.external_id}}
    delivery = factories.delivery(project.connection, event="push", body=json.dumps(body).encode())
    assert outcome(delivery) == "no policy applies"
