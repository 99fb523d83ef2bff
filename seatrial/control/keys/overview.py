"""The kinds of keys of this server: what each is for, how many there are, when one was rotated last, and how to."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from seatrial.control.accounts.models import ApiToken
from seatrial.control.audit.models import AuditEntry
from seatrial.control.entrance.models import BypassToken
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.keys.services import NOTED
from seatrial.control.policies.signing.models import SigningKey
from seatrial.control.projects.models import Connection
from seatrial.wire.states import AgentState


class KeyKind(StrEnum):
    """What there are keys for. REST says these words."""

    MASTER_KEY = "master_key"
    SECRET_KEY = "secret_key"  # noqa: S105  words
    SIGNING_KEY = "signing_key"
    CREDENTIAL = "credential"
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105
    BYPASS_TOKEN = "bypass_token"  # noqa: S105
    PREVIEW_PASSWORD = "preview_password"  # noqa: S105
    BOOTSTRAP_TOKEN = "bootstrap_token"  # noqa: S105
    AGENT_CREDENTIAL = "agent_credential"
    API_TOKEN = "api_token"  # noqa: S105


class About(NamedTuple):
    """What people read of a kind. `page`: the name of the address where it is rotated; `actions`: how the audit log calls that."""

    name: str
    purpose: str
    how: str
    command: str
    page: str
    actions: tuple[str, ...]


class Row(NamedTuple):
    """One kind, as it is now. `count`: how many keys of it are valid; None where there is one by nature."""

    kind: KeyKind
    about: About
    count: int | None
    rotated_at: datetime | None

    @property
    def path(self) -> str:
        """The page where it is rotated; empty where that is on this one."""
        return reverse(self.about.page) if self.about.page else ""


ABOUT: dict[KeyKind, About] = {
    KeyKind.MASTER_KEY: About(
        "Master key",
        "Wraps the key of every stored secret",
        "Set another one, and the former as a fallback; then re-wrap",
        "seatrial keys rotate master-key",
        "",
        ("master_key.rotate", "master_key.give_up"),
    ),
    KeyKind.SECRET_KEY: About(
        "Django's signing key",
        "Signs sessions, and the passes of previews' visitors",
        "Set another one, and the former as a fallback; nobody has to sign in anew",
        "seatrial keys rotate secret-key",
        "",
        (NOTED,),
    ),
    KeyKind.SIGNING_KEY: About(
        "Key of signed results",
        "Signs what became of evaluations",
        "Rotate: what the former one signed can be checked as before",
        "seatrial keys rotate signing-key",
        "",
        ("signing_key.rotate",),
    ),
    KeyKind.CREDENTIAL: About(
        "Private keys of GitHub Apps, and tokens of code hosts",
        "Connections sign in with them",
        "Make another at the code host, and replace the credential on the connection's page: both are valid until you delete the old one there",
        "seatrial connect",
        "connections:connections",
        ("connection.replace_credential", "connection.rotate_token", "connection.authorize"),
    ),
    KeyKind.WEBHOOK_SECRET: About(
        "Webhook secrets",
        "Code hosts sign webhooks with them",
        "Rotate on the connection's page: both are valid for 24 hours",
        "POST /api/v1/connections/<id>/rotate-webhook-secret",
        "connections:connections",
        ("connection.rotate_webhook_secret",),
    ),
    KeyKind.BYPASS_TOKEN: About(
        "Bypass tokens",
        "Programs get into a project's previews with them",
        "Rotate on the project's page of access",
        "seatrial access token PROJECT --rotate",
        "projects:projects",
        ("bypass_token.rotate",),
    ),
    KeyKind.PREVIEW_PASSWORD: About(
        "Passwords of previews",
        "Visitors get into a project's previews with them",
        "Save another one on the project's page of access",
        "seatrial access set PROJECT basic --password-file FILE --apply",
        "projects:projects",
        ("project.preview_access",),
    ),
    KeyKind.BOOTSTRAP_TOKEN: About(
        "Bootstrap tokens",
        "Each admits one new agent, once, within 24 hours",
        "Make another one for the same name: the one before is void",
        "seatrial manage agent_token NAME",
        "fleet:new_agent",
        ("agent.issue_bootstrap",),
    ),
    KeyKind.AGENT_CREDENTIAL: About(
        "Credentials of agents",
        "Agents sign in at the bus with them",
        "Make a bootstrap token for the agent's name, and start the agent with it: it has another key then, and the former is revoked",
        "seatrial manage agent_token NAME",
        "fleet:agents",
        ("agent.register",),
    ),
    KeyKind.API_TOKEN: About(
        "API tokens",
        "Programs act for people with them",
        "Make another one, use it, and revoke the former",
        "seatrial tokens",
        "tokens",
        ("api_token.create",),
    ),
}


def overview() -> list[Row]:
    """Every kind, in the order of KeyKind."""
    rotated = _rotated()
    counts = _counts()
    return [
        Row(
            kind,
            about,
            counts.get(kind),
            max((rotated[action] for action in about.actions if action in rotated), default=None),
        )
        for kind, about in ABOUT.items()
    ]


def _rotated() -> dict[str, datetime]:
    actions = [action for about in ABOUT.values() for action in about.actions]
    entries = AuditEntry.objects.filter(action__in=actions).order_by().values_list("action")
    return dict(entries.annotate(Max("at")))


def _counts() -> dict[KeyKind, int]:
    now = timezone.now()
    connections = Connection.objects.filter(removal_asked_at=None)
    return {
        KeyKind.SIGNING_KEY: SigningKey.objects.filter(retired_at=None).count(),
        KeyKind.CREDENTIAL: connections.exclude(credential="").count(),
        KeyKind.WEBHOOK_SECRET: connections.exclude(webhook_secret="").count(),
        KeyKind.BYPASS_TOKEN: BypassToken.objects.count(),
        KeyKind.BOOTSTRAP_TOKEN: BootstrapToken.objects.filter(used_at=None, expires_at__gt=now).count(),
        KeyKind.AGENT_CREDENTIAL: Agent.objects.exclude(state=AgentState.REVOKED).count(),
        KeyKind.API_TOKEN: ApiToken.objects.exclude(expires_at__lte=now).count(),
    }
