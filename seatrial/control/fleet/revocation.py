"""Cuts users off a running bus."""

import structlog

from seatrial.control import bus
from seatrial.control.configuration import Configuration
from seatrial.control.fleet.bus_identity import BusIdentity

log = structlog.get_logger(__name__)


async def revoke(configuration: Configuration, public_key: str) -> None:
    """Void every token of `public_key` now and after restarts. Idempotent; raises when the bus does not answer.

    Needs the files of the bus's identity, in the directory of GALLEY_NATS_SIGNING_SEED. When they are kept elsewhere,
    this only logs an error, and an operator must revoke by hand.
    """
    seed = configuration.galley_nats_signing_seed
    identity = BusIdentity(seed.parent) if seed else None
    if identity is None or not identity.can_revoke():
        log.error(
            "cannot revoke: operator.seed and system.creds are not beside the signing seed", user=public_key
        )
        return
    token = identity.revoke(public_key)
    await bus.revoke(configuration, str(identity.system_credentials), token)
