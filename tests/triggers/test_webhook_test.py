"""The test of a webhook goes through the real door: sent by the forge, or by this server to its own address."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.deliveries import api, firing
from seatrial.control.forges.deliveries.firing import came, fire
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import Delivery
from seatrial.control.ids import new_id
from seatrial.control.projects.models import Connection, Project
from tests import factories
from tests.forges.hosts.kinds import SITES
from tests.triggers.hosted import SHOP, DeliveringHere, Team, project
from tests.triggers.test_deliveries import signed_in

__all__ = ["project"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
Lanes = Callable[[], None]


class Door(httpx.BaseTransport):
    """Leads to this process, as the proxy in front of it would; or somewhere else."""

    def __init__(self, otherwise: httpx.Response | None = None) -> None:
        self.otherwise = otherwise
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.otherwise is not None:
            return self.otherwise
        headers = {name: value for name, value in request.headers.items() if name != "content-type"}
        answer = Client().post(
            request.url.path, request.read(), content_type="application/json", headers=headers
        )
        return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


def test_the_forge_is_asked_to_send_one_and_it_is_found(
    site: DeliveringHere, team: Team, project: Project
) -> None:
    status, answer = team.call("owner", "POST", f"/connections/{project.connection_id}/test")
    assert status == 200
    row = Delivery.objects.get()
    assert answer["webhook"] == {
        "sender": f"GitHub, for {SHOP}",
        "delivery": row.pk,
        "result": "accepted",
        "problem": "",
    }
    assert (row.event, row.ending, answer["login"]) == ("ping", "ignored", "seatrial-bot")
    entry = AuditEntry.objects.get(action="connection.test_webhook")
    assert entry.target == f"connection/{project.connection_id}" and entry.details["project"] == project.slug


@pytest.mark.parametrize("which", [kind for kind in SITES if kind != "github"])
def test_every_forge_can_be_asked(site: DeliveringHere, team: Team, project: Project) -> None:
    status, answer = team.call("owner", "POST", f"/connections/{project.connection_id}/test")
    assert (status, answer["webhook"]["result"], answer["webhook"]["problem"]) == (200, "accepted", "")
    assert answer["webhook"]["sender"].endswith(f", for {SHOP}")


def test_a_secret_that_differs_is_found_with_the_fix(
    site: DeliveringHere, team: Team, project: Project
) -> None:
    site.repositories[SHOP].webhooks[0].secret = "another"
    webhook = team.call("owner", "POST", f"/connections/{project.connection_id}/test")[1]["webhook"]
    assert webhook["result"] == "rejected (signature)" and "Rotate webhook secret" in webhook["problem"]


def test_what_does_not_come_is_said(
    site: DeliveringHere, team: Team, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    site.lost = True
    answer = team.call("owner", "POST", f"/connections/{project.connection_id}/test")[1]["webhook"]
    assert answer["result"] == "" and hooks.address(project.connection) in answer["problem"]


def test_a_webhook_that_is_not_there_is_said(site: DeliveringHere, team: Team, project: Project) -> None:
    site.repositories[SHOP].webhooks.clear()
    path = f"/connections/{project.connection_id}/test"
    answer = team.call("owner", "POST", path)[1]["webhook"]
    assert f"{SHOP} has no webhook that goes to" in answer["problem"] and answer["sender"] == ""
    elsewhere = factories.project(team.workspace)
    assert team.call("owner", "POST", f"{path}?project={elsewhere.pk}")[0] == 404
    assert team.call("owner", "POST", f"{path}?project=none")[0] == 404


def test_its_page_shows_what_comes_as_it_comes(site: DeliveringHere, team: Team, project: Project) -> None:
    client, path = signed_in(team, "owner"), f"/connections/{project.connection_id}/webhook"
    assert "Send a test" in client.get(path).content.decode()
    site.lost = True
    answer = client.post(path, {"project": project.pk})
    page = client.get(answer["Location"]).content.decode()
    assert "The test is on its way" in page and f"Sent by GitHub, for {SHOP}." in page
    lost = site.deliveries[-1]
    site.lost = False
    site.deliver(site.repositories[SHOP].webhooks[0], lost.event, lost.body, lost.guid)
    page = client.get(answer["Location"]).content.decode()
    assert "The webhook works" in page and f"/deliveries/{Delivery.objects.get().pk}" in page
    Delivery.objects.update(result="rejected (signature)")
    page = client.get(answer["Location"]).content.decode()
    assert "comes, and is rejected" in page and "secret differs" in page
    for after in ("nonsense", "%00", "0" * 26, "7" * 26):
        assert client.get(f"{path}?after={after}").status_code == 200


def test_one_that_takes_too_long_is_explained(
    team: Team, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "new_id", lambda: "01ARZ3NDEKTSV4RRFFQ69G5FAV")  # of 2016
    client, path = signed_in(team, "owner"), f"/connections/{project.connection_id}/webhook"
    location = client.post(path)["Location"]
    Delivery.objects.all().delete()
    page = client.get(location).content.decode()
    assert "Nothing has come" in page and "ALLOWED_HOST_LIST" in page


def test_what_the_forge_refuses_is_said_on_the_page(
    site: DeliveringHere, team: Team, project: Project
) -> None:
    site.repositories[SHOP].webhooks.clear()
    client, path = signed_in(team, "owner"), f"/connections/{project.connection_id}/webhook"
    assert "has no webhook that goes to" in client.post(path, follow=True).content.decode()


@pytest.fixture
def local(team: Team) -> Connection:
    return factories.connection(team.workspace)


def test_where_nobody_else_can_send_one_this_server_does(local: Connection) -> None:
    door = Door()
    fired = fire(Forges(), local, by=SYSTEM, inner=door)
    row = came(local, fired.after)
    assert door.asked == [hooks.address(local)]
    assert row is not None and (row.event, row.result, row.ending) == ("ping", "accepted", "ignored")


@pytest.mark.parametrize("which", SITES)
def test_a_connection_without_projects_is_tried_that_way(connection: str) -> None:
    row = Connection.objects.get(pk=connection)
    fired = fire(Forges(), row, by=SYSTEM, inner=Door())
    assert fired.sender == "this server" and came(row, fired.after)


@pytest.mark.parametrize(
    ("otherwise", "said"),
    [
        (httpx.Response(502, text="bad gateway"), "look at the proxy"),
        (httpx.Response(200, text="welcome to nginx"), "look at the proxy"),
    ],
)
def test_an_address_that_leads_elsewhere_is_said(
    local: Connection, otherwise: httpx.Response, said: str
) -> None:
    with pytest.raises(ForgeError, match=said):
        fire(Forges(), local, by=SYSTEM, inner=Door(otherwise))


def test_an_address_that_this_server_does_not_reach_is_said(local: Connection) -> None:
    class Away(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("connection refused")

    with pytest.raises(ForgeError, match="does not reach its own address"):
        fire(Forges(), local, by=SYSTEM, inner=Away())
    local.webhook_secret = ""
    local.save()
    with pytest.raises(ForgeError, match="no webhook secret"):
        fire(Forges(), local, by=SYSTEM, inner=Door())
    assert not AuditEntry.objects.filter(action="connection.test_webhook").exists()


def test_older_deliveries_are_not_taken_for_it(local: Connection) -> None:
    factories.delivery(local)
    fired = fire(Forges(), local, by=SYSTEM, inner=Door())
    row = came(local, fired.after)
    assert row is not None and row.received_at > timezone.now() - timedelta(minutes=1)
    assert row.event == "ping"


@pytest.mark.parametrize(
    ("own", "title"), [("yes", "The address and the secret are right"), ("", "The webhook works")]
)
def test_what_this_server_sent_itself_does_not_prove_that_the_forge_reaches_it(
    team: Team, project: Project, own: str, title: str
) -> None:
    after = new_id()
    factories.delivery(project.connection)
    path = f"/connections/{project.connection_id}/webhook"
    said = signed_in(team, "owner").get(path, {"after": after, "own": own}).content.decode()
    assert f">{title}</h1>" in said
