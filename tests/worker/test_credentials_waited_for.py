"""An agent that asks for a credential while no worker answers waits, logs that once, and ends when it is told to."""

import asyncio

import pytest
from structlog.testing import capture_logs

from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.control.bus import Bus
from seatrial.control.worker.database import Database
from tests.bus.conftest import bus, configuration, nats_server
from tests.waiting import LIMIT_SECONDS
from tests.worker.askers import Fleet, answering, fleet_of_two, site, until

__all__ = ["bus", "configuration", "fleet_of_two", "nats_server", "site"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


async def test_while_no_worker_is_there_the_agent_waits_for_one(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    with capture_logs() as lines:
        async with fleet_of_two.asking("one") as asks:
            asking = asyncio.create_task(
                asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)
            )
            await until(lambda: any("no worker" in line.get("problem", "") for line in lines))
            async with answering(database, bus):
                assert (await asking).login.username == "toy"
    said = [line for line in lines if "no worker" in line.get("problem", "")]
    assert len(said) == 1, "however often it asked"


async def test_a_worker_that_does_not_come_back_is_named_with_the_fix(bus: Bus, fleet_of_two: Fleet) -> None:
    async with fleet_of_two.asking("one", patience_seconds=0.5) as asks:
        with pytest.raises(CheckoutError, match=r"within 0.5 s: no worker .* listens. Look at its log"):
            await asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)


async def test_a_bus_that_is_away_is_named(fleet_of_two: Fleet) -> None:
    fleet_of_two.server.kill()
    async with fleet_of_two.asking("one", patience_seconds=0.5) as asks:
        with pytest.raises(CheckoutError, match="the bus does not answer"):
            await asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)


async def test_a_request_for_a_credential_ends_at_its_only_cancellation(
    bus: Bus, fleet_of_two: Fleet
) -> None:
    """Whatever it waits for just then: an answer, the next question, or the bus."""
    async with fleet_of_two.asking("one") as asks:
        for moment in range(40):
            asking = asyncio.create_task(
                asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)
            )
            await asyncio.sleep(moment / 200)
            asking.cancel()
            done, _ = await asyncio.wait([asking], timeout=LIMIT_SECONDS)
            assert done and asking.cancelled()
