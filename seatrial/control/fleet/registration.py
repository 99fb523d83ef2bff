"""How agents join and leave. A bootstrap token is shown once; only its SHA-256 is kept."""

import hashlib
import re
import secrets
from datetime import timedelta

import nkeys
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet import nats_jwt
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.control.fleet.errors import BootstrapRefused, CannotSign, UnfitName, UnfitToken
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.wire.agents import TOKEN_PREFIX, AgentRegistered, RegisterAgent
from seatrial.wire.states import AgentState

TOKEN_LIFETIME = timedelta(hours=24)
TOKEN = re.compile(TOKEN_PREFIX + r"[A-Za-z0-9_-]{32,200}")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@transaction.atomic
def issue_bootstrap(name: str, *, by: Actor) -> str:
    """A token that lets one agent join as `name`, once, within TOKEN_LIFETIME.

    Earlier unused tokens for the same name are void. An agent that has the name already is replaced when the
    token is used: its old credential is revoked and its placements pass to the new agent.
    """
    if not NAME.fullmatch(name):
        raise UnfitName(
            f"{name!r} is not a valid name for an agent: use 1 to 63 lower-case letters, digits, dots, underscores or hyphens"
        )
    now = timezone.now()
    BootstrapToken.objects.filter(name=name, used_at=None, expires_at__gt=now).update(expires_at=now)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    BootstrapToken.objects.create(name=name, digest=_digest(token), expires_at=now + TOKEN_LIFETIME)
    audit.record("agent.issue_bootstrap", f"agent/{name}", by=by)
    return token


@transaction.atomic
def preset_bootstrap(name: str, token: str, *, by: Actor) -> None:
    """Accept a bootstrap token that was chosen elsewhere, while there is no agent at all.

    It is as any other: for one agent, within TOKEN_LIFETIME of the last call. Idempotent. Raises UnfitToken.
    """
    if Agent.objects.exists():
        return
    if not TOKEN.fullmatch(token):
        raise UnfitToken(
            f"a bootstrap token is {TOKEN_PREFIX} and at least 32 letters, digits, hyphens or underscores. "
            f"Make one: echo {TOKEN_PREFIX}$(openssl rand -hex 32)"
        )
    expires_at = timezone.now() + TOKEN_LIFETIME
    row, made = BootstrapToken.objects.get_or_create(
        digest=_digest(token), defaults={"name": name, "expires_at": expires_at}
    )
    if made:
        audit.record("agent.issue_bootstrap", f"agent/{name}", by=by)
    elif row.used_at is None:
        row.expires_at = expires_at
        row.save(update_fields=["expires_at"])


def register(request: RegisterAgent) -> AgentRegistered:
    """Exchange a bootstrap token for a credential. Raises BootstrapRefused, or CannotSign, which leaves the token unused.

    The same token with the same key may be exchanged again until it expires: an agent that died before it could store
    the answer is not locked out. With another key it is refused. The agent of that name, if there is one, keeps why.
    """
    try:
        return _registered(request)
    except BootstrapRefused as error:
        if error.name:
            Agent.objects.filter(name=error.name).update(refused_at=timezone.now(), refused=str(error)[:300])
        raise


@transaction.atomic
def _registered(request: RegisterAgent) -> AgentRegistered:
    token = _usable(request)
    agent = _agent(token, request)
    if token.used_at is None:
        token.used_at = timezone.now()
        token.agent = agent
        token.save(update_fields=["used_at", "agent"])
        audit.record("agent.register", f"agent/{agent.name}", by=Actor.agent(agent.name, id=agent.pk))
    outbox.instruct(Instruction.BUCKET, agent=agent.pk)
    return AgentRegistered(
        agent=agent.pk,
        name=agent.name,
        nats_url=settings.CONFIGURATION.galley_nats_url,
        user_jwt=_credential(agent),
    )


@transaction.atomic
def revoke(agent: Agent, *, by: Actor) -> None:
    """Cut the agent off for good; its previews are deployed again elsewhere, without their data. Idempotent."""
    if agent.state == AgentState.REVOKED:
        return
    agent.state = AgentState.REVOKED
    agent.revoked_at, agent.draining_since = timezone.now(), None
    agent.save(update_fields=["state", "revoked_at", "draining_since"])
    outbox.instruct(Instruction.REVOKE, public_key=agent.public_key)
    audit.record("agent.revoke", f"agent/{agent.name}", by=by)


def _usable(request: RegisterAgent) -> BootstrapToken:
    digest = _digest(request.token)
    token = (
        BootstrapToken.objects.select_for_update(of=("self",))
        .select_related("agent")
        .filter(digest=digest)
        .first()
    )
    if token is None:
        raise BootstrapRefused(
            "unknown_token", "This bootstrap token is not known. Issue a new one and use that."
        )
    if token.used_at and (token.agent is None or token.agent.public_key != request.public_key):
        raise BootstrapRefused(
            "token_used",
            f"The bootstrap token of {token.name} has been exchanged already. Issue a new one.",
            name=token.name,
        )
    if token.expires_at <= timezone.now():
        raise BootstrapRefused(
            "token_expired",
            f"The bootstrap token of {token.name} has expired. Issue a new one.",
            name=token.name,
        )
    return token


def _agent(token: BootstrapToken, request: RegisterAgent) -> Agent:
    _check_keys(token, request)
    agent = Agent.objects.select_for_update().filter(name=token.name).first()
    if agent is None:
        agent = Agent(name=token.name)
    elif agent.public_key != request.public_key:
        outbox.instruct(Instruction.REVOKE, public_key=agent.public_key)
        # Desired states that were written for its predecessor are written again
        agent.registered_at = timezone.now()
    if agent.state == AgentState.REVOKED:
        agent.state, agent.revoked_at, agent.removed_at = AgentState.OFFLINE, None, None
    agent.public_key, agent.seal_key = request.public_key, request.seal_key
    agent.release, agent.refused_at, agent.refused = request.release[:50], None, ""
    agent.save()
    return agent


def _check_keys(token: BootstrapToken, request: RegisterAgent) -> None:
    if not re.fullmatch(r"U[A-Z2-7]{55}", request.public_key):
        raise BootstrapRefused(
            "bad_key", "public_key is not the public half of a NATS user NKey (U and 55 characters)"
        )
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}=", request.seal_key):
        raise BootstrapRefused("bad_key", "seal_key is not an X25519 public key in base64 (32 bytes)")
    if Agent.objects.filter(public_key=request.public_key, state=AgentState.REVOKED).exists():
        raise BootstrapRefused(
            "bad_key", "This key was revoked. Delete the agent's identity and register anew.", name=token.name
        )
    holder = Agent.objects.filter(public_key=request.public_key).exclude(name=token.name).first()
    if holder is not None:
        raise BootstrapRefused(
            "key_taken",
            f"This key is that of agent {holder.name}. Use a bootstrap token of {holder.name}, "
            f"or delete the agent's identity and register as {token.name} with a key of its own.",
            name=token.name,
        )


def _credential(agent: Agent) -> str:
    return agent_token(
        _signing_seed(),
        agent.pk,
        agent.public_key,
        days=settings.CONFIGURATION.galley_agent_credential_days,
    )


def _signing_seed() -> bytes:
    file = settings.CONFIGURATION.galley_nats_signing_seed
    fix = "Set GALLEY_NATS_SIGNING_SEED of the control plane to the file with the account's seed (signing.seed)."
    if file is None:
        raise CannotSign(f"This server cannot give credentials: GALLEY_NATS_SIGNING_SEED is not set. {fix}")
    try:
        seed = file.read_bytes().strip()
        nats_jwt.public_key(seed)
    except (OSError, ValueError, nkeys.NkeysError) as error:
        raise CannotSign(
            f"This server cannot give credentials: {file} holds no readable seed. {fix}"
        ) from error
    return seed


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
