import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet import nats_jwt, services
from seatrial.control.fleet.bus_identity import ensure
from seatrial.control.fleet.errors import BootstrapRefused, FleetError
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.outbox.models import OutboxMessage
from seatrial.wire.agents import RegisterAgent
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture(autouse=True)
def signing_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_nats_signing_seed", ensure(tmp_path).signing_seed)
    yield


def request(token: str, key: str = "") -> RegisterAgent:
    key = key or nats_jwt.public_key(nats_jwt.new_seed(nats_jwt.USER))
    return RegisterAgent(token=token, public_key=key, seal_key="A" * 43 + "=", release="1.0")


def refused(asked: RegisterAgent) -> str:
    with pytest.raises(BootstrapRefused) as caught:
        services.register(asked)
    assert asked.token not in str(caught.value)
    return caught.value.code


def test_token_is_exchanged_once_for_a_limited_credential() -> None:
    token = services.issue_bootstrap("one", by=Actor.person("admin"))
    asked = request(token)
    answer = services.register(asked)
    claims = nats_jwt.claims_of(answer.user_jwt)
    assert claims["sub"] == asked.public_key and "exp" not in claims
    assert f"seatrial.agents.{answer.agent}.>" in claims["nats"]["pub"]["allow"]
    assert services.register(asked).agent == answer.agent  # the answer was lost on its way
    assert refused(request(token)) == "token_used"
    assert OutboxMessage.objects.filter(subject="bucket", body={"agent": answer.agent}).exists()
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "agent.issue_bootstrap",
        "agent.register",
    ]


def test_only_the_hash_is_kept() -> None:
    token = services.issue_bootstrap("one", by=Actor.person("admin"))
    assert BootstrapToken.objects.get().digest == hashlib.sha256(token.encode()).hexdigest()


def test_unknown_expired_and_replaced_tokens_are_refused() -> None:
    assert refused(request("galley_nonsense")) == "unknown_token"
    first = services.issue_bootstrap("one", by=Actor.person("admin"))
    second = services.issue_bootstrap("one", by=Actor.person("admin"))
    assert refused(request(first)) == "token_expired"
    BootstrapToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(request(second)) == "token_expired"


@pytest.mark.parametrize("key", ["", "X" * 56, "UABC", "A" * 56])
def test_nonsense_keys_are_refused(key: str) -> None:
    token = services.issue_bootstrap("one", by=Actor.person("admin"))
    asked = RegisterAgent(token=token, public_key=key, seal_key="A" * 43 + "=")
    assert refused(asked) == "bad_key"
    assert BootstrapToken.objects.get().used_at is None


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../x", "x" * 64, "-x"])
def test_nonsense_names_are_refused(name: str) -> None:
    with pytest.raises(FleetError):
        services.issue_bootstrap(name, by=Actor.person("admin"))


def test_joining_under_a_known_name_replaces_the_agent_and_revokes_its_key() -> None:
    asked = request(services.issue_bootstrap("one", by=Actor.person("admin")))
    first = services.register(asked)
    again = services.register(request(services.issue_bootstrap("one", by=Actor.person("admin"))))
    assert again.agent == first.agent and Agent.objects.count() == 1
    assert OutboxMessage.objects.filter(subject="revoke", body={"public_key": asked.public_key}).exists()


def test_revoked_agent_stays_out_with_its_old_key() -> None:
    asked = request(services.issue_bootstrap("one", by=Actor.person("admin")))
    services.register(asked)
    services.revoke(Agent.objects.get(), by=Actor.person("admin"))
    services.revoke(Agent.objects.get(), by=Actor.person("admin"))
    assert OutboxMessage.objects.filter(subject="revoke").count() == 1
    token = services.issue_bootstrap("one", by=Actor.person("admin"))
    assert refused(request(token, asked.public_key)) == "bad_key"
    services.register(request(token))
    assert Agent.objects.get().state == "offline"


def test_a_key_belongs_to_one_agent(client: Client) -> None:
    asked = request(services.issue_bootstrap("one", by=Actor.person("admin")))
    services.register(asked)
    other = request(services.issue_bootstrap("two", by=Actor.person("admin")), asked.public_key)
    answer = client.post("/api/v1/agents/register", other.model_dump(), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "key_taken")
    assert "that of agent one" in answer.json()["error"]["message"]
    assert Agent.objects.get().name == "one"


@pytest.mark.parametrize("content", [None, "", "no seed", b"\xff\x00"])
def test_a_server_that_cannot_sign_says_what_it_lacks_and_keeps_the_token(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes | None
) -> None:
    seed = tmp_path / "seed"
    if content is not None:
        seed.write_bytes(content if isinstance(content, bytes) else content.encode())
    asked = request(services.issue_bootstrap("one", by=Actor.person("admin")))
    good = settings.CONFIGURATION.galley_nats_signing_seed
    for lacking in (None, seed):
        monkeypatch.setattr(settings.CONFIGURATION, "galley_nats_signing_seed", lacking)
        answer = client.post("/api/v1/agents/register", asked.model_dump(), content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "cannot_sign")
        assert "GALLEY_NATS_SIGNING_SEED" in answer.json()["error"]["message"]
    assert not Agent.objects.exists() and BootstrapToken.objects.get().used_at is None
    monkeypatch.setattr(settings.CONFIGURATION, "galley_nats_signing_seed", good)
    assert services.register(asked).name == "one"


def test_credential_may_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_agent_credential_days", 2)
    answer = services.register(request(services.issue_bootstrap("one", by=Actor.person("admin"))))
    claims = nats_jwt.claims_of(answer.user_jwt)
    assert claims["exp"] - claims["iat"] == pytest.approx(2 * 86_400, abs=5)


def test_heartbeats_bring_online_and_silence_takes_offline() -> None:
    from seatrial.wire.agents import Heartbeat

    agent = factories.agent(state="offline")
    long_ago = timezone.now() - timedelta(hours=1)
    assert services.heartbeat(agent.pk, Heartbeat(release="2"))
    assert not services.heartbeat(agent.pk, Heartbeat(release="2"))
    assert services.sweep_offline(listening_since=long_ago) == []
    Agent.objects.update(last_heartbeat_at=timezone.now() - timedelta(seconds=61))
    assert services.sweep_offline(listening_since=timezone.now()) == []  # we were deaf ourselves
    assert services.sweep_offline(listening_since=long_ago) == [agent]
    assert not services.heartbeat("01NOBODY", Heartbeat(release="2"))


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_half_of_a_heartbeat() -> None:
    from seatrial.wire.agents import Heartbeat

    agent = factories.agent(state="offline", release="1")
    colleague, seen = connection.copy(), set()

    def look(execute: Callable[..., object], *statement: object) -> object:
        with colleague.cursor() as cursor:
            cursor.execute(f"SELECT release, state FROM {Agent._meta.db_table}")
            seen.add(cursor.fetchone())
        return execute(*statement)

    with connection.execute_wrapper(look):
        assert services.heartbeat(agent.pk, Heartbeat(release="2"))
    colleague.close()
    assert seen == {("1", "offline")}, "before each of its statements"
    agent.refresh_from_db()
    assert (agent.release, agent.state) == ("2", "online")


def test_revoked_agents_heartbeats_are_ignored() -> None:
    from seatrial.wire.agents import Heartbeat

    agent = factories.agent(state="revoked")
    assert not services.heartbeat(agent.pk, Heartbeat(release="2"))
    assert Agent.objects.get().state == "revoked"


def test_a_token_made_on_the_command_line_lets_an_agent_in_that_takes_the_place_of_the_one_of_its_name() -> (
    None
):
    services.register(request(services.issue_bootstrap("local", by=Actor.person("admin"))))
    token, said = StringIO(), StringIO()
    call_command("agent_token", "local", stdout=token, stderr=said)
    asked = request(token.getvalue().removesuffix("\n"))
    services.register(asked)
    assert Agent.objects.get().public_key == asked.public_key
    assert asked.token not in said.getvalue(), "what is said beside it may be logged"
    with pytest.raises(CommandError, match="not a valid name for an agent"):
        call_command("agent_token", "../x")
