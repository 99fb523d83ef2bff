"""Saving the data of a preview: who may, what its agent is told, and which previews begin with it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews import services, snapshots
from seatrial.control.previews.errors import CannotSave
from seatrial.control.previews.models import Snapshot
from seatrial.control.projects.models import PullRequest
from seatrial.wire.deployments import DesiredEnvironment
from seatrial.wire.snapshots import SnapshotSaved
from seatrial.wire.states import SnapshotState
from tests import factories
from tests.factories import Cast
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B = "a" * 40, "b" * 40
BY = Actor.person("alice")


def told(scene: Scenario) -> DesiredEnvironment:
    """What the agent is told now."""
    desired = services.desired(scene.environment.placements.get(removed_at=None))
    assert desired is not None
    return desired


def answer(scene: Scenario, snapshot: Snapshot, **more: object) -> None:
    event = SnapshotSaved.model_validate(
        {"environment": scene.environment.pk, "snapshot": snapshot.pk, "reflinked": True, **more}
    )
    snapshots.saved(snapshot.agent_id, event)


def test_what_was_saved_last_is_what_new_previews_begin_with() -> None:
    scene = Scenario.make()
    scene.live(A)
    before = told(scene)
    assert (before.save, before.template) == ("", "")
    first = snapshots.save(scene.environment, BY)
    asked = told(scene)
    assert (asked.save, asked.template) == (first.pk, "") and asked.revision > before.revision
    with pytest.raises(CannotSave, match="being saved already"):
        snapshots.save(scene.environment, BY)

    answer(scene, first)
    answer(scene, first)  # it is told more than once
    after = told(scene)
    assert (after.save, after.template) == ("", first.pk) and after.revision > asked.revision
    assert snapshots.of_agents() == [(first.agent_id, first.pk)]

    second = snapshots.save(scene.environment, BY)
    assert told(scene).template == first.pk, "until it is saved"
    answer(scene, second)
    assert told(scene).template == second.pk
    assert snapshots.of_agents() == [(first.agent_id, second.pk)], "the one before goes"
    snapshots.remove(second, BY)
    assert told(scene).template == "" and snapshots.of_agents() == []
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-3:] == ["snapshot.save", "snapshot.save", "snapshot.remove"]


def test_a_save_that_fails_leaves_the_former_one() -> None:
    scene = Scenario.make()
    scene.live(A)
    first = snapshots.save(scene.environment, BY)
    answer(scene, first)
    second = snapshots.save(scene.environment, BY)
    answer(scene, second, problem="there is no data to save")
    second.refresh_from_db()
    assert (second.state, second.problem) == (SnapshotState.FAILED, "there is no data to save")
    assert (told(scene).template, told(scene).save) == (first.pk, "")


def test_a_save_that_somebody_ends_makes_room_for_the_next() -> None:
    scene = Scenario.make()
    scene.live(A)
    first = snapshots.save(scene.environment, BY)
    snapshots.remove(first, BY)
    assert told(scene).save == ""
    answer(scene, first)  # too late
    assert told(scene).template == "" and snapshots.save(scene.environment, BY).state == SnapshotState.SAVING


def test_another_agent_is_not_believed() -> None:
    scene = Scenario.make()
    scene.live(A)
    snapshot = snapshots.save(scene.environment, BY)
    event = SnapshotSaved(environment=scene.environment.pk, snapshot=snapshot.pk)
    snapshots.saved(factories.agent(name="other").pk, event)
    snapshot.refresh_from_db()
    assert snapshot.state == SnapshotState.SAVING


def test_a_save_that_nobody_answers_ends() -> None:
    scene = Scenario.make()
    scene.live(A)
    snapshot = snapshots.save(scene.environment, BY)
    assert snapshots.give_up() == 0
    Snapshot.objects.update(created_at=timezone.now() - snapshots.PATIENCE - timedelta(seconds=1))
    assert snapshots.give_up() == 1 and told(scene).save == ""
    again = snapshots.save(scene.environment, BY)
    scene.close(at=9)
    assert snapshots.give_up() == 1
    assert set(Snapshot.objects.values_list("state", flat=True)) == {SnapshotState.FAILED}
    assert {again.pk, snapshot.pk}.isdisjoint(pk for _, pk in snapshots.of_agents())


def test_forks_put_nothing_in_and_get_only_what_is_marked_for_them() -> None:
    scene = Scenario.make()
    scene.live(A)
    answer(scene, snapshots.save(scene.environment, BY))
    pull = scene.environment.pull_request
    PullRequest.objects.filter(pk=pull.pk).update(from_fork=True)
    assert told(scene).template == ""
    with pytest.raises(CannotSave, match="preview of a fork"):
        snapshots.save(scene.environment, BY)
    PullRequest.objects.filter(pk=pull.pk).update(from_fork=False)
    marked = snapshots.save(scene.environment, BY, for_forks=True)
    answer(scene, marked)
    PullRequest.objects.filter(pk=pull.pk).update(from_fork=True)
    assert told(scene).template == marked.pk


def test_what_does_not_run_or_is_being_deployed_is_not_saved() -> None:
    scene = Scenario.make()
    scene.live(A)
    scene.push(B, at=5)
    with pytest.raises(CannotSave, match="being deployed"):
        snapshots.save(scene.environment, BY)
    scene.stop()
    with pytest.raises(CannotSave, match="does not run"):
        snapshots.save(scene.environment, BY)
    assert not Snapshot.objects.exists()


def test_only_admins_save_and_remove_and_members_look() -> None:
    cast = Cast()
    project = factories.project(cast.workspace, "shop")
    environment = factories.running(factories.pull_request(project))
    saved = Snapshot.objects.create(
        project=project,
        agent=factories.agent(),
        source="pr-1-shop",
        state=SnapshotState.SAVED,
        saved_by="alice",
    )
    save, remove = f"/environments/{environment.pk}/save-data", f"/snapshots/{saved.pk}"
    for person, status, look in ((cast.bob, 403, 200), (cast.charlie, 404, 404)):
        client = Client()
        client.force_login(person)
        posted = client.post(f"/api/v1{save}", {}, content_type="application/json")
        assert (posted.status_code, client.delete(f"/api/v1{remove}").status_code) == (status, status)
        for path in (save, f"{remove}/remove"):
            assert (client.get(path).status_code, client.post(path).status_code) == (status, status)
        assert client.get(f"/api/v1/projects/{project.pk}/snapshots").status_code == look
        page = client.get(f"/projects/{project.pk}/data")
        assert page.status_code == look and b"Remove" not in page.content
    saved.refresh_from_db()
    assert saved.ended_at is None and Snapshot.objects.count() == 1
    client = Client()
    client.force_login(cast.alice)
    assert client.get(save).status_code == 200 and client.get(f"{remove}/remove").status_code == 200
    page = client.get(f"/projects/{project.pk}/data").content.decode()
    assert "New previews begin with the data of pr-1-shop" in page
    (row,) = client.get(f"/api/v1/projects/{project.pk}/snapshots").json()
    assert (row["source"], row["state"], row["removed"]) == ("pr-1-shop", "saved", False)
    assert client.post(f"{remove}/remove").status_code == 302
    assert client.delete(f"/api/v1{remove}").json()["removed"] is True
