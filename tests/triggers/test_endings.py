"""Projects and connections are archived, restored and removed: what ends, what stays, and who may."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.hooks import ask_due
from seatrial.control.forges.models import Delivery, Hook
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import services as previews
from seatrial.control.previews.errors import PreviewWithheld
from seatrial.control.previews.models import Environment
from seatrial.control.projects.errors import WrongName
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.control.triggers import endings
from seatrial.control.triggers.removals import prune
from tests import factories as make
from tests.forges.hosts.site import Site
from tests.triggers.conftest import waiting
from tests.triggers.hosted import BOT, SHOP, Team

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def shop(team: Team, connection: str, lanes: Lanes) -> Project:
    """Under trial, with its webhook."""
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    lanes()
    return Project.objects.select_related("connection").get()


@pytest.fixture
def preview(shop: Project, site: Site) -> Environment:
    """Of a pull request, running on an agent."""
    return make.running(make.pull_request(shop), agent=make.agent())


def gone_from_its_host(environment: Environment) -> None:
    environment.placements.update(removed_at=timezone.now())
    Environment.objects.filter(pk=environment.pk).update(removed_at=timezone.now())


def test_an_archived_project_loses_its_previews_and_its_webhook_and_keeps_its_data(
    shop: Project, preview: Environment, site: Site, team: Team, lanes: Lanes
) -> None:
    checks = make.evaluation(preview.pull_request, state="running")
    assert len(site.repositories[SHOP].webhooks) == 1
    status, answer = team.call("owner", "POST", f"/projects/{shop.pk}/archive")
    assert status == 200 and answer["archived_at"]
    preview.refresh_from_db()
    checks.refresh_from_db()
    assert (preview.state, checks.state) == ("terminated", "superseded")
    lanes()
    assert site.repositories[SHOP].webhooks == [] and not Hook.objects.exists()
    assert PullRequest.objects.count() == Evaluation.objects.count() == 1
    assert AuditEntry.objects.filter(action="project.archive").count() == 1
    team.call("owner", "POST", f"/projects/{shop.pk}/archive")
    assert AuditEntry.objects.filter(action="project.archive").count() == 1


def test_nothing_begins_in_an_archived_project(shop: Project, preview: Environment, team: Team) -> None:
    endings.archive(shop, SYSTEM)
    with pytest.raises(PreviewWithheld):
        previews.rebuild(preview, SYSTEM)
    pull = preview.pull_request
    assert "archived" in previews.pull_request_changed(pull)  # a delivery that was being handled meanwhile
    assert Environment.objects.exclude(state="terminated").count() == 0
    body = {"commit": "a" * 40, "ref": "refs/heads/main"}
    status, answer = team.call("owner", "POST", f"/projects/{shop.pk}/evaluations", body)
    assert status == 409 and answer["error"]["code"] == "project_archived"


def test_a_restored_project_gets_its_webhook_and_its_previews_back(
    shop: Project, preview: Environment, site: Site, team: Team, lanes: Lanes
) -> None:
    stopped = make.environment(make.pull_request(shop), state="terminated", stop_cause="person")
    make.deployment(stopped, state="superseded")
    endings.archive(shop, SYSTEM)
    lanes()
    status, answer = team.call("owner", "POST", f"/projects/{shop.pk}/restore")
    assert status == 200 and answer["archived_at"] is None
    assert [row.body for row in waiting(Instruction.FOLLOW)] == [{"project": shop.pk}]
    lanes()
    assert len(site.repositories[SHOP].webhooks) == 1
    for environment in (preview, stopped):
        previews.pull_request_changed(environment.pull_request)
    living = Environment.objects.exclude(state="terminated").get()
    assert living.pull_request == preview.pull_request  # what a person had stopped stays stopped


def test_a_removed_project_is_deleted_when_nothing_of_it_is_left_elsewhere(
    shop: Project, preview: Environment, site: Site, team: Team, lanes: Lanes
) -> None:
    make.evaluation(preview.pull_request)
    status, answer = team.call("owner", "DELETE", f"/projects/{shop.pk}?confirm={shop.slug}")
    assert status == 202 and answer["removal_asked_at"]
    assert prune(timezone.now()) == 0, "its preview is on its host still"
    gone_from_its_host(preview)
    assert prune(timezone.now()) == 0, "its webhook is at the forge still"
    lanes()
    assert site.repositories[SHOP].webhooks == []
    assert prune(timezone.now()) == 1
    for model in (Project, PullRequest, Environment, Evaluation):
        assert not model.objects.exists()  # type: ignore[attr-defined]
    assert AuditEntry.objects.filter(action="project.remove").exists() and Connection.objects.exists()
    assert prune(timezone.now()) == 0


def test_a_removal_does_not_wait_for_ever_for_a_forge_that_is_gone(
    shop: Project, site: Site, lanes: Lanes
) -> None:
    from werkzeug.wrappers import Response

    endings.remove(shop, SYSTEM, typed=shop.slug)
    site.faults.extend(Response("down", 500) for _ in range(9))
    lanes()
    site.faults.clear()
    assert Hook.objects.get().problem
    assert prune(timezone.now()) == 0
    assert prune(timezone.now() + timedelta(days=1, minutes=1)) == 1


def test_a_webhook_that_could_not_be_removed_is_tried_again_every_hour(
    shop: Project, site: Site, lanes: Lanes
) -> None:
    endings.archive(shop, SYSTEM)
    site.people[BOT].token, token = "another", site.people[BOT].token
    lanes()
    OutboxMessage.objects.all().delete()  # after an hour the lane gave it up
    site.people[BOT].token = token
    ask_due()
    assert not waiting(Instruction.WEBHOOK)
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    ask_due()
    lanes()
    assert site.repositories[SHOP].webhooks == [] and not Hook.objects.exists()


def test_a_removal_that_is_taken_back_keeps_what_is_left(shop: Project, team: Team, lanes: Lanes) -> None:
    endings.remove(shop, SYSTEM, typed=shop.slug)
    lanes()
    assert team.call("owner", "POST", f"/projects/{shop.pk}/restore")[1]["removal_asked_at"] is None
    assert prune(timezone.now() + timedelta(days=2)) == 0 and Project.objects.exists()


def test_choosing_the_repository_again_restores_the_project(
    shop: Project, team: Team, connection: str, site: Site, lanes: Lanes
) -> None:
    endings.remove(shop, SYSTEM, typed=shop.slug)
    lanes()
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    shop.refresh_from_db()
    assert (shop.archived_at, shop.removal_asked_at) == (None, None)
    lanes()
    assert len(site.repositories[SHOP].webhooks) == 1


def test_the_name_must_be_typed(shop: Project, team: Team) -> None:
    with pytest.raises(WrongName):
        endings.remove(shop, SYSTEM, typed="shop-2")
    for query in ("", "?confirm=Shop", f"?confirm={shop.pk}"):
        status, answer = team.call("owner", "DELETE", f"/projects/{shop.pk}{query}")
        assert status == 400 and shop.slug in answer["error"]["message"]
    shop.refresh_from_db()
    assert shop.removal_asked_at is None and shop.archived_at is None


def test_a_connection_goes_after_its_projects(
    shop: Project, connection: str, site: Site, team: Team, lanes: Lanes
) -> None:
    path = f"/connections/{connection}"
    name = Connection.objects.get().name
    status, answer = team.call("owner", "DELETE", path)
    assert (status, answer["error"]["code"]) == (409, "connection_in_use")
    assert team.call("owner", "DELETE", f"{path}?confirm=other")[0] == 400
    assert team.call("owner", "DELETE", f"{path}?confirm={name}")[0] == 202
    assert prune(timezone.now()) == 0 and Connection.objects.exists(), "the webhook needs its credential"
    lanes()
    make.delivery(Connection.objects.get())
    assert prune(timezone.now()) == 2
    assert not Connection.objects.exists() and not Project.objects.exists() and not Delivery.objects.exists()
    assert site.repositories[SHOP].webhooks == []


def test_a_project_that_is_kept_keeps_its_connection(
    shop: Project, connection: str, team: Team, lanes: Lanes
) -> None:
    row = Connection.objects.get()
    endings.remove_connection(row, SYSTEM, typed=row.name)
    body = {"repositories": [SHOP]}
    status, answer = team.call("owner", "POST", f"/connections/{connection}/projects", body)
    assert status == 400 and "is being removed" in answer["error"]["message"]
    endings.restore(shop, SYSTEM)
    lanes()
    assert prune(timezone.now() + timedelta(days=2)) == 0
    row.refresh_from_db()
    assert row.removal_asked_at is None
    assert AuditEntry.objects.filter(action="connection.restore").exists()


def test_a_connection_without_projects_needs_no_name(connection: str, team: Team) -> None:
    assert team.call("owner", "DELETE", f"/connections/{connection}")[0] == 202
    assert prune(timezone.now()) == 1 and not Connection.objects.exists()


def test_the_connection_of_this_machine_stays(team: Team) -> None:
    here = make.connection(team.workspace)
    assert team.call("owner", "DELETE", f"/connections/{here.pk}?confirm={here.name}")[0] == 400
    assert Connection.objects.filter(pk=here.pk, removal_asked_at=None).exists()


DOORS = [
    ("POST", "/projects/{project}/archive"),
    ("POST", "/projects/{project}/restore"),
    ("PATCH", "/projects/{project}"),
    ("DELETE", "/projects/{project}?confirm=shop"),
    ("PATCH", "/connections/{connection}"),
    ("POST", "/connections/{connection}/rotate-webhook-secret"),
    ("DELETE", "/connections/{connection}"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_the_wrong_person_is_refused(
    method: str, path: str, shop: Project, connection: str, team: Team
) -> None:
    address = path.format(project=shop.pk, connection=connection)
    body = {} if method == "PATCH" else None
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    assert team.call("stranger", method, address, body)[0] == 404
    assert team.call("developer", method, address, body)[0] in {403, 404}
    new = AuditEntry.objects.exclude(pk__in=before).exclude(action="api_token.create")
    assert not new.exists()


PAGES = [
    ("get", "/projects/{project}/settings"),
    ("post", "/projects/{project}/settings"),
    ("get", "/projects/{project}/archive"),
    ("post", "/projects/{project}/archive"),
    ("post", "/projects/{project}/restore"),
    ("get", "/projects/{project}/remove"),
    ("post", "/projects/{project}/remove"),
]


@pytest.mark.parametrize(("method", "path"), PAGES)
@pytest.mark.parametrize(("role", "status"), [("developer", 403), ("stranger", 404)])
def test_pages_refuse_the_wrong_person(
    method: str, path: str, role: str, status: int, shop: Project, team: Team
) -> None:
    client = Client()
    client.force_login(team.people[role])
    answer = getattr(client, method)(path.format(project=shop.pk), {"name": shop.slug})
    assert answer.status_code == status
    shop.refresh_from_db()
    assert shop.archived_at is None


def test_the_dialogs_say_what_will_happen(shop: Project, preview: Environment, team: Team) -> None:
    client = Client()
    client.force_login(team.people["owner"])
    archive = client.get(f"/projects/{shop.pk}/archive").content.decode()
    assert "1 preview ends now" in archive and "history are kept" in archive
    remove = client.get(f"/projects/{shop.pk}/remove").content.decode()
    assert "deleted for good" in remove and "webhook is removed" in remove and "30 days" in remove
    answer = client.post(f"/projects/{shop.pk}/remove", {"name": "wrong"}, follow=True)
    assert "type its name exactly" in answer.content.decode()
    answer = client.post(f"/projects/{shop.pk}/archive", follow=True)
    assert "is archived" in answer.content.decode() and "Restore" in answer.content.decode()
    answer = client.post(f"/projects/{shop.pk}/restore", follow=True)
    assert "under trial again" in answer.content.decode()
    answer = client.post(f"/projects/{shop.pk}/remove", {"name": shop.slug}, follow=True)
    assert "is being removed" in answer.content.decode() and "Being removed" in answer.content.decode()
    connection = client.get(f"/connections/{shop.connection_id}/remove").content.decode()
    assert "1 project is removed with all data: shop" in connection


def test_settings_are_changed_on_the_page_and_over_rest(shop: Project, team: Team) -> None:
    client = Client()
    client.force_login(team.people["owner"])
    shown = client.get(f"/projects/{shop.pk}/settings").content.decode()
    assert "Default TTL" in shown and 'value="72"' in shown and "Build forked PRs" in shown
    client.post(f"/projects/{shop.pk}/settings", {"name": "The shop", "ttl_hours": "24"})
    shop.refresh_from_db()
    assert (shop.name, shop.ttl_hours, shop.previews_enabled, shop.slug) == ("The shop", 24, False, "shop")
    answer = client.post(f"/projects/{shop.pk}/settings", {"name": " ", "ttl_hours": "0"})
    assert answer.status_code == 200 and answer.content.decode().count('class="error"') == 2
    status, answer = team.call("owner", "PATCH", f"/projects/{shop.pk}", {"previews_enabled": True})
    assert status == 200 and answer["previews_enabled"] and answer["ttl_hours"] == 24
    for body in ({"ttl_hours": 0}, {"ttl_hours": 10**30}, {"name": ""}, {"name": "x" * 201}):
        assert team.call("owner", "PATCH", f"/projects/{shop.pk}", body)[0] == 400, body
    assert AuditEntry.objects.filter(action="project.change").count() == 2


def test_a_delivery_for_an_archived_project_is_ignored(shop: Project, site: Site) -> None:
    endings.archive(shop, SYSTEM)
    site.open_pull(SHOP, "main", author="ann")
    assert not PullRequest.objects.exists()
