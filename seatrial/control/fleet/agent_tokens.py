"""The token that lets one agent onto the bus, and only to its own subjects."""

import time

from seatrial.control.fleet import nats_jwt
from seatrial.wire import subjects

DAY_SECONDS = 86_400


def agent_token(signing_seed: bytes, agent: str, public_key: str, *, days: int = 0) -> str:
    """A user token for `public_key`, limited to the subjects of `agent`.

    `days` = 0: it lasts until it is revoked. An expiring token cuts the agent off when it ends, in the middle of
    whatever it does, so expiry is for fleets that register their agents anew on a schedule.
    """
    publish, subscribe = subjects.agent_permissions(agent)
    expires_at = int(time.time()) + days * DAY_SECONDS if days else None
    return nats_jwt.user(
        signing_seed,
        public_key,
        f"agent-{agent}",
        publish=publish,
        subscribe=subscribe,
        expires_at=expires_at,
    )
