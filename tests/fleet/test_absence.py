"""Why an agent is away is said as far as it is known."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.fleet import nats_jwt, services
from seatrial.control.fleet.absence import why_away
from seatrial.control.fleet.errors import BootstrapRefused
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.wire.agents import RegisterAgent
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
MINUTE = timedelta(minutes=1)


def away(**fields: Any) -> Agent:
    return factories.agent("dock", **{"state": "offline", **fields})


def test_one_that_is_there_or_revoked_is_not_explained() -> None:
    assert why_away(away(state="online")) == ""
    assert why_away(factories.agent(state="revoked")) == ""


def test_one_that_was_never_heard() -> None:
    assert "never heard since: it does not reach the bus" in why_away(away(last_heartbeat_at=None))


def test_one_that_somebody_stopped() -> None:
    assert why_away(away(heartbeat={"stopping": True})).startswith("Somebody stopped it on its host")


def test_one_that_went_silent_and_whose_clock_was_off() -> None:
    now = timezone.now()
    said = why_away(away(last_heartbeat_at=now, heartbeat={"at": (now - 5 * MINUTE).isoformat()}))
    assert said.startswith(f"It went silent on {now:%Y-%m-%d at %H:%M} UTC") and "300 seconds behind" in said
    assert "clock" not in why_away(factories.agent(state="offline", heartbeat={"at": now.isoformat()}))


def test_one_whose_credential_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_agent_credential_days", 1)
    then = timezone.now() - timedelta(days=2)
    agent = away(last_heartbeat_at=then)
    token = BootstrapToken.objects.create(name="dock", digest="d", expires_at=then, agent=agent, used_at=then)
    assert why_away(agent).startswith("Its credential ended on")
    token.used_at = timezone.now()
    token.save()
    assert why_away(agent).startswith("It went silent"), "it joined again since"


def test_one_that_was_refused_until_it_is_let_in() -> None:
    agent = away(last_heartbeat_at=timezone.now() - MINUTE)
    token = services.issue_bootstrap("dock", by=Actor.person("root"))
    BootstrapToken.objects.update(expires_at=timezone.now())
    key = nats_jwt.public_key(nats_jwt.new_seed(nats_jwt.USER))
    asked = RegisterAgent(token=token, public_key=key, seal_key="A" * 43 + "=")
    with pytest.raises(BootstrapRefused):
        services.register(asked)
    agent.refresh_from_db()
    assert "The bootstrap token of dock has expired. Issue a new one." in why_away(agent)
    assert token not in agent.refused
    agent.last_heartbeat_at = timezone.now()
    assert "refused" not in why_away(agent)
