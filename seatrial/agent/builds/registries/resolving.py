"""The addresses that names have now."""

import asyncio
import socket

import structlog

from seatrial.agent.vocabulary.addresses import Address

log = structlog.get_logger(__name__)

RESOLVE_SECONDS = 3.0


async def resolved(address: Address) -> list[str]:
    """All of them; none if the name is not known."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        log.warning(
            "a registry of the settings has no address", host=address.host, problem=str(error) or "timeout"
        )
        return []
    return sorted({str(name[0]) for *_, name in found})


async def is_unknown(address: Address) -> bool:
    """Whether nobody knows the name. False also while name service does not answer: others may have more patience."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return True
    except (OSError, TimeoutError):
        return False
    return False
