"""Exchange the bootstrap token for a long-lived credential, once."""

import asyncio
import hashlib
import ssl

import httpx
import structlog
from pydantic import ValidationError

from seatrial.agent.bus.identity import Credential, Identity
from seatrial.agent.bus.trust import is_readable, trusting
from seatrial.agent.settings import Settings
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.dialling import servers
from seatrial.wire.agents import AgentRegistered, RegisterAgent

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0
READMIT_SECONDS = 60.0
HOW_TO_ADMIT = "An admin makes one: POST /api/v1/agents (docs/operations.md, Agents)"
OTHER_ADDRESS = "Set GALLEY_CONTROL_PLANE_URL to the address of the dashboard, such as http://host:3000"


class RegistrationRefused(Exception):
    """The control plane rejected the registration; trying again will not help. The text names the fix."""


async def registered(identity: Identity, settings: Settings, *, release: str) -> tuple[Identity, Credential]:
    """The agent's identity: the stored one, else a new one registered with the token.

    A token other than the one exchanged before starts a new registration with new keys; the old keys stay until it
    has succeeded. Retries for ever, with back-off, while the control plane does not answer or answers with a server
    error. Raises RegistrationRefused.
    """
    token = settings.galley_agent_token.get_secret_value()
    stored = identity.credential()
    if stored is not None and (not token or stored.token_sha256 in {"", _digest(token)}):
        return identity, stored
    if not token:
        raise RegistrationRefused(
            f"this agent is not registered and GALLEY_AGENT_TOKEN is not set. {HOW_TO_ADMIT}"
        )
    _require_privacy(settings)
    fresh = identity if stored is None else identity.successor()
    context = context_of(settings)
    credential = await _register(fresh, settings.control_plane, token, release, context)
    if stored is None:
        return fresh, credential
    log.warning(
        "registered anew with another token; containers of the former agent are left alone from now on",
        former=stored.agent,
        find=f"docker ps --all --filter label={AGENT}={stored.agent}",
    )
    return identity.succeeded_by(fresh), credential


async def readmitted(
    identity: Identity, settings: Settings, *, release: str
) -> tuple[Identity, Credential] | None:
    """A new registration, with new keys, with the token that was exchanged before: for an agent that the bus refuses.

    A control plane that was set up anew, with the same settings and on an empty database, knows the token and not the agent.
    None, and nothing has changed, if there is no token, or if it admits nobody any more: the agent was revoked.
    """
    token = settings.galley_agent_token.get_secret_value()
    if not token:
        return None
    try:
        async with asyncio.timeout(READMIT_SECONDS):
            _require_privacy(settings)
            fresh = identity.successor()
            credential = await _register(fresh, settings.control_plane, token, release, context_of(settings))
    except (RegistrationRefused, TimeoutError) as error:
        log.warning(
            "the bus refuses this agent, and it cannot register again", problem=str(error) or "no answer"
        )
        return None
    log.warning(
        "registered anew, because the control plane is another one than before; containers of the former agent are left alone",
        agent=credential.agent,
    )
    return identity.succeeded_by(fresh), credential


def context_of(settings: Settings) -> ssl.SSLContext:
    """Whom the agent trusts. Raises RegistrationRefused."""
    try:
        return trusting(settings.gitgrit_custom_ca_file_path)
    except ValueError as error:
        raise RegistrationRefused(f"GITGRIT_CUSTOM_CA_FILE_PATH: {error}. Correct or unset it") from error


def bus_of(settings: Settings, credential: Credential) -> str:
    """The bus's addresses. Raises RegistrationRefused where what goes there could be read on its way."""
    addresses = settings.galley_nats_url or credential.nats_url
    if any(map(is_readable, servers(addresses))) and not settings.galley_plain_network:
        known = "GALLEY_NATS_URL" if settings.galley_nats_url else "GALLEY_NATS_URL is not set"
        raise RegistrationRefused(
            f"{known}: {_plain('everything that control plane and agent say', 'tls://')}"
        )
    return addresses


def _require_privacy(settings: Settings) -> None:
    """Raises RegistrationRefused where the token could be read on its way to the control plane."""
    if is_readable(settings.control_plane) and not settings.galley_plain_network:
        raise RegistrationRefused(f"GALLEY_CONTROL_PLANE_URL: {_plain('the bootstrap token', 'https://')}")


def _plain(what: str, better: str) -> str:
    return (
        f"the address is another host's and has no TLS, so {what} could be read on the way. Write {better}..., or set "
        "GALLEY_PLAIN_NETWORK=True if the network between the hosts encrypts by itself (WireGuard, IPsec)"
    )


async def _register(
    identity: Identity, control_plane: str, token: str, release: str, context: ssl.SSLContext
) -> Credential:
    request = RegisterAgent(
        token=token, public_key=identity.public_key, seal_key=identity.seal_key, release=release
    )
    given = await _exchange(control_plane, request, context)
    credential = given.model_copy(update={"token_sha256": _digest(token)})
    identity.keep(credential)
    log.info("registered", agent=credential.agent, name=credential.name)
    return credential


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _exchange(control_plane: str, request: RegisterAgent, context: ssl.SSLContext) -> Credential:
    wait, complained = FIRST_WAIT_SECONDS, ""
    async with httpx.AsyncClient(timeout=10, trust_env=False, verify=context) as client:
        while True:
            problem = ""
            try:
                answer = await client.post(
                    f"{control_plane}/api/v1/agents/register", json=request.model_dump()
                )
            except httpx.HTTPError as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code < 500:
                    return _credential(control_plane, answer)
                problem = f"HTTP {answer.status_code}: {_detail(answer)}"
            if problem != complained:
                log.warning(
                    "cannot register yet; trying again",
                    url=control_plane,
                    problem=problem,
                    fix=f"Start the control plane. If it is elsewhere: {OTHER_ADDRESS}",
                )
                complained = problem
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def _credential(control_plane: str, answer: httpx.Response) -> Credential:
    refusal = _refusal(answer)
    if refusal:
        raise RegistrationRefused(
            f"{control_plane} refused the bootstrap token in GALLEY_AGENT_TOKEN: {refusal} A token expires, and admits one "
            f"agent once. {HOW_TO_ADMIT}"
        )
    try:
        given = AgentRegistered.model_validate_json(answer.content)
    except ValidationError as error:
        raise RegistrationRefused(
            f"{control_plane} does not answer like a control plane (HTTP {answer.status_code}). {OTHER_ADDRESS}"
        ) from error
    return Credential.model_validate(given.model_dump())


def _refusal(answer: httpx.Response) -> str:
    """What the control plane says against the registration; empty if it says nothing, or if this is no control plane."""
    try:
        return str(answer.json()["error"]["message"])[:400]
    except (ValueError, LookupError, TypeError):
        return ""


def _detail(answer: httpx.Response) -> str:
    return _refusal(answer) or answer.text[:200]
