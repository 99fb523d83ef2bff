"""What only happens with Gitea and Forgejo, over REST and the worker's lanes."""

from collections.abc import Callable

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Delivery
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.control.triggers.comparing import compare
from tests.forges.hosts.gitea import GiteaSite
from tests.triggers.hosted import BOT, SHOP, Team, asked
from tests.triggers.test_hosted import handle, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def which() -> str:
    return "gitea"


def test_a_server_that_sends_nothing_to_private_addresses_is_compared_with(
    site: GiteaSite, project: Project, forges: Forges, lanes: Lanes
) -> None:
    """That is how ALLOWED_HOST_LIST is set by default."""
    site.private_receivers = False
    pull = site.open_pull(SHOP, "feature", author="ann")
    assert [one.status for one in site.deliveries] == [0] and not Delivery.objects.exists()
    compare(forges, project)
    lanes()
    assert PullRequest.objects.get().number == pull.number and len(pull.comments) == 1
    site.close_pull(SHOP, pull.number)
    compare(forges, project)
    assert Environment.objects.get().state == "terminated"


def test_a_rotated_secret_reaches_the_forge_though_it_changes_none(
    site: GiteaSite, project: Project, lanes: Lanes
) -> None:
    (before,) = site.repositories[SHOP].webhooks
    secret = hooks.rotate_secret(Connection.objects.get(), by=Actor.person("ann"))
    lanes()
    (webhook,) = site.repositories[SHOP].webhooks
    assert webhook.secret == secret != before.secret
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    assert Delivery.objects.get().result == "accepted" and PullRequest.objects.get().state == "open"


def test_a_deleted_pull_request_is_closed(site: GiteaSite, project: Project) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    hosted = site.repositories[SHOP]
    site.changed(hosted, pull, "deleted")
    handle()
    assert PullRequest.objects.get().state == "closed"


def test_without_an_address_a_token_goes_nowhere(site: GiteaSite, team: Team) -> None:
    """No Gitea is the usual one."""
    status, answer = team.call("owner", "POST", "/connections", asked(site, base_url=""))
    assert status == 400 and "address of the forge is missing" in answer["error"]["message"]
    assert not site.asked and site.people[BOT].token not in str(answer)
