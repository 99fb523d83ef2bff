"""WebSockets: who may not open one gets the REST interface's answer, and nothing else is a WebSocket."""

from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from seatrial.wire.tunnels import Kind, Outcome, TunnelEnd
from tests.dashboard.fixtures import bus, busy, served

if TYPE_CHECKING:
    from tests.bus.servers import NatsServer
    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.nats, pytest.mark.postgres]
__all__ = ["bus", "busy", "served"]


def test_who_may_not_is_refused_before_and_what_cannot_be_is_said_within(
    bus: "NatsServer", served: str, busy: "Harbour"
) -> None:
    from seatrial.control.accounts import tokens
    from seatrial.control.audit.actors import SYSTEM

    base = served.replace("http", "ws") + "/api/v1/environments"
    address = f"{base}/{busy.live.pk}/tunnel"

    def refused(url: str, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with pytest.raises(InvalidStatus) as error:
            connect(url, additional_headers=headers).close()
        assert b'"code"' in (error.value.response.body or b"")
        return error.value.response.status_code

    alice, bob, charlie = (
        tokens.issue(one, "t", by=SYSTEM) for one in (busy.cast.alice, busy.cast.bob, busy.cast.charlie)
    )
    assert refused(address) == 401
    assert refused(address, bob) == 403, "a viewer"
    assert refused(address, charlie) == 404, "of another workspace"
    assert refused(f"{base}/01NONE/tunnel", alice) == 404
    assert refused(served.replace("http", "ws") + "/health", alice) == 404

    def said(first: str) -> TunnelEnd:
        with connect(address, additional_headers={"Authorization": f"Bearer {alice}"}) as opened:
            opened.send(first)
            message = opened.recv(timeout=60)
            assert isinstance(message, bytes) and message[0] == Kind.END
            return TunnelEnd.model_validate_json(message[1:])

    assert said("nonsense").outcome is Outcome.REFUSED
    end = said('{"carries": "connection", "service": "web", "port": 80}')
    assert end.outcome is Outcome.LOST and "offline" in end.text, "no agent listens"
