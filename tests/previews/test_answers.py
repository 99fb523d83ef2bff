"""Answers about a preview describe one moment."""

from collections.abc import Iterable

import pytest

from seatrial.control.previews import answers as module
from seatrial.control.previews import lifecycle
from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire.deployments import DeploymentReady
from seatrial.wire.states import DeploymentState
from tests import factories
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def test_a_switch_between_two_reads_does_not_mix_the_old_commit_with_the_new_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pull = factories.pull_request(factories.project(factories.workspace()))
    environment = factories.running(pull)
    old = environment.live
    assert old is not None
    new = factories.deployment(
        environment, state="starting", commit=factories.sha("new"), ready_at=old.created_at
    )
    Environment.objects.filter(pk=environment.pk).update(candidate=new)
    read = module.newest_deployments

    def after_the_switch(environments: Iterable[str]) -> dict[str, Deployment]:
        locked = lifecycle.locked(environment.pk)
        assert locked is not None
        lifecycle.go_live(locked)
        return read(environments)

    monkeypatch.setattr(module, "newest_deployments", after_the_switch)
    [answer] = module.answers(Environment.objects.filter(pk=environment.pk))
    assert answer.deployment is not None and answer.deployment.state == DeploymentState.LIVE
    assert answer.live_commit == answer.commit == answer.deployment.commit == new.commit


def test_warnings_and_notes_are_told_as_the_agent_reported_them() -> None:
    scene = Scenario.make()
    scene.push("a" * 40)
    note = "compose.yaml:4: services.web.ports: the host's side is ignored: previews answer at their own host name"
    scene.ready(scene.candidate(), warnings=[f"it ends like a note: {note}"], notes=[note])
    [answer] = module.answers(Environment.objects.all())
    assert answer.deployment is not None
    assert (answer.deployment.warnings, answer.deployment.notes) == ([f"it ends like a note: {note}"], [note])


def test_an_agent_that_knows_no_notes_is_understood() -> None:
    older = {
        "environment": "01E",
        "deployment": "01D",
        "services": [],
        "isolation": "runc",
        "warnings": ["w"],
    }
    assert DeploymentReady.model_validate(older).notes == []
