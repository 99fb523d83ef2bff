"""New agent: the instance admin names it and gets a token, once; nobody else does."""

import pytest
from django.test import Client

from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet import nats_jwt
from seatrial.control.fleet.models import BootstrapToken
from seatrial.control.fleet.registration import register
from seatrial.wire.agents import TOKEN_PREFIX, RegisterAgent
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NEW = "/agents/new"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user(is_superuser=True))
    return client


def test_a_name_gives_a_token_that_is_shown_once_and_lets_one_agent_ask(admin: Client) -> None:
    assert NEW in admin.get("/agents").content.decode()
    page = admin.post(NEW, {"name": "dock-2"})
    text = page.content.decode()
    assert "no-store" in page["Cache-Control"]
    token = TOKEN_PREFIX + text.split(f"GALLEY_AGENT_TOKEN={TOKEN_PREFIX}")[1].split("<")[0].split('"')[0]
    row = BootstrapToken.objects.get(name="dock-2")
    assert token not in row.digest and row.used_at is None
    assert AuditEntry.objects.filter(action="agent.issue_bootstrap").count() == 1
    assert token not in admin.get(NEW).content.decode() + admin.get("/agents").content.decode()
    key = nats_jwt.public_key(nats_jwt.new_seed(nats_jwt.USER))
    asked = RegisterAgent(token=token, public_key=key, seal_key="A" * 43 + "=", release="1")
    with pytest.raises(
        Exception, match="GALLEY_NATS_SIGNING_SEED"
    ):  # it is known; the bus is not set up here
        register(asked)


@pytest.mark.parametrize("name", ["", "Dock", "a b", "x" * 64, "-a", "<b>"])
def test_what_is_no_name_is_said_at_the_field_and_makes_nothing(admin: Client, name: str) -> None:
    page = admin.post(NEW, {"name": name})
    assert page.status_code == 200 and "GALLEY_AGENT_TOKEN" not in page.content.decode()
    assert not BootstrapToken.objects.exists()


def test_nobody_else_makes_one(client: Client) -> None:
    cast = factories.Cast()
    for person in (cast.alice, cast.bob, cast.charlie):
        client.force_login(person)
        assert NEW not in client.get("/agents").content.decode()
        for answer in (client.get(NEW), client.post(NEW, {"name": "dock"})):
            assert answer.status_code == 403, person
    client.logout()
    assert client.post(NEW, {"name": "dock"}).status_code == 302
    assert not BootstrapToken.objects.exists()
