"""A bus that pauses, as on a machine that swaps or a disk that hangs: once it goes on, so does everything on it."""

import pytest

from seatrial.control.bus import Bus
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import RunEvaluation
from tests.bus.servers import NatsServer
from tests.waiting import until

pytestmark = pytest.mark.nats


async def test_a_connection_that_was_asked_in_vain_works_when_the_bus_goes_on(
    bus: Bus, nats_server: NatsServer
) -> None:
    nats_server.pause()
    assert not await bus.answers()
    nats_server.go_on()
    await until(bus.answers)
    job = Envelope.wrap(RunEvaluation.model_construct(evaluation="e"))
    await bus.publish(subjects.evaluation_jobs("w"), job)
    assert bus.reconnects == 0, "nothing was wrong with the connection"
