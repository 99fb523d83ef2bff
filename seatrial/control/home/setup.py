"""The first steps of a new install: what is done, what is next, and what keeps a step from being possible.

Nothing is stored: each step is read from what is there. When all are done, there is no set-up any more.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.admission.sessions import is_local
from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.configured import incomplete
from seatrial.control.accounts.second_factor.required import has_second_factor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.registry import FORGES
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Label
from seatrial.control.projects.models import Connection, Project
from seatrial.control.status.missing import missing
from seatrial.control.status.nodes import failing
from seatrial.environ.shapes import is_here
from seatrial.wire.states import AgentState, Isolation

PRESENT = (AgentState.ONLINE, AgentState.DRAINING)
REREAD_SECONDS = 10.0
MOST_SKEW_SECONDS = 30.0  # more than a heartbeat is ever on its way


@dataclass(frozen=True)
class Check:
    """One line of a step. What is not `well` has its fix; if it is `grave`, the step is not done."""

    well: bool
    text: str
    fix: str = ""
    grave: bool = True


@dataclass(frozen=True)
class Task:
    """One step. `blocked` says why it is not possible yet; `page` and `word` are where to do it, and the button."""

    word: str
    title: str
    text: str
    done: bool
    page: str = ""
    button: str = ""
    blocked: str = ""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Setup:
    """All steps."""

    tasks: tuple[Task, ...]

    @property
    def done(self) -> int:
        """How many steps are."""
        return sum(task.done for task in self.tasks)

    @property
    def next(self) -> Task:
        """The first step that can be done now; while none can, the first that waits."""
        waiting = [task for task in self.tasks if not task.done] or [self.tasks[-1]]
        return next((task for task in waiting if not task.blocked), waiting[0])


def is_finished(user: User) -> bool:
    """Whether a pull request has come through: after that, other pages say what is wrong with an install."""
    under_trial = visible(user, Project).filter(archived_at=None).exists()
    return under_trial and (Label.objects.exists() or Evaluation.objects.exists())


def setup(user: User) -> Setup:
    """The steps, as they are now. A constant number of queries."""
    agents = list(visible(user, Agent).exclude(state=AgentState.REVOKED).order_by("name"))
    hosted = [kind for kind, one in FORGES.items() if one.hosting is not None]
    connected = (
        visible(user, Connection).filter(forge__in=hosted, removal_asked_at=None).order_by("-id").first()
    )
    project = visible(user, Project).filter(archived_at=None).exists()
    online = any(agent.state in PRESENT for agent in agents)
    return Setup(
        (
            _server(agents),
            _account(user),
            _code_host(connected, project=project),
            _project(connected, project=project),
            _first_result(project=project, online=online, came=is_finished(user)),
        )
    )


def _server(agents: list[Agent]) -> Task:
    checks = (
        *_programs(agents),
        *_isolation(agents),
        *_address(),
        *_authorities(),
        *_clocks(agents),
        *_sign_in(),
    )
    return Task(
        "Checks",
        "This server and its agent",
        "What has to work before a pull request can be tried out.",
        all(check.well or not check.grave for check in checks),
        reverse("fleet:agents"),
        "See the agents",
        checks=checks,
    )


def _programs(agents: list[Agent]) -> Iterator[Check]:
    yield Check(True, "The database answers")
    online = [agent.name for agent in agents if agent.state in PRESENT]
    waits_for, _ = missing()
    if waits_for:
        yield Check(False, f"Seatrial waits for {waits_for}", "Look at the logs of that process")
    elif online:
        yield Check(True, "Worker and bus carry messages")  # a heartbeat comes through both
    for sentence in failing():
        yield Check(False, sentence, grave=False)
    if online:
        yield Check(True, f"Agent {', '.join(online)} is online")
    elif agents:
        names = ", ".join(agent.name for agent in agents)
        yield Check(
            False,
            f"Agent {names} is offline",
            "Look at its log: its program, the bus, or the network is away",
        )
    else:
        yield Check(
            False,
            "No agent has joined",
            "Start galley-agent on a Docker host, with a bootstrap token as GALLEY_AGENT_TOKEN; its log says what is in the way",
        )


def _isolation(agents: list[Agent]) -> Iterator[Check]:
    for agent in agents:
        beat = agent.heartbeat if agent.state in PRESENT else {}
        if problem := beat.get("sandbox_problem"):
            yield Check(False, f"No policy can run on {agent.name}: {problem}", "Mend that on its host")
        elif beat.get("sandbox") == Isolation.GVISOR:
            yield Check(True, f"Policies on {agent.name} run in gVisor")
        elif beat.get("sandbox"):
            yield Check(
                False,
                f"Policies on {agent.name} share its host's kernel, because gVisor is not registered with its engine",
                "Install it there: sudo runsc install && sudo systemctl restart docker",
                grave=False,
            )
        for warning in beat.get("warnings") or []:
            yield Check(False, f"{agent.name}: {warning}", grave=False)


def _address() -> Iterator[Check]:
    site = settings.SITE_URL
    if site.startswith("https://"):
        yield Check(True, f"{site} has TLS")
    elif is_here(site):
        yield Check(
            True,
            f"{site} is for this machine alone; for others, put a proxy with TLS before it and set SITE_URL",
        )
    else:
        yield Check(
            False,
            f"{site} has no TLS: passwords and webhooks can be read on their way",
            "Put a proxy with TLS before it, and set SITE_URL to its address",
            grave=False,
        )


def _authorities() -> Iterator[Check]:
    path = settings.CONFIGURATION.authorities
    if path is None:
        return
    if problem := _unreadable(path, int(time.monotonic() / REREAD_SECONDS)):
        yield Check(
            False,
            f"GITGRIT_CUSTOM_CA_FILE_PATH: {problem}",
            "Put the right file there, and start Seatrial again",
        )
    else:
        yield Check(True, f"The authorities in {path} are trusted")


@lru_cache(maxsize=1)
def _unreadable(path: Path, _: int) -> str:
    """Why nobody can be trusted by this file; empty if it can be read. Read anew now and then: watchers ask every second."""
    try:
        trusting(path)
    except UnfitAuthorities as error:
        return str(error)
    return ""


def _clocks(agents: list[Agent]) -> Iterator[Check]:
    beats = [agent for agent in agents if agent.state in PRESENT and agent.last_heartbeat_at is not None]
    for agent in beats:
        skew = _skew(agent)
        if skew is not None and skew > MOST_SKEW_SECONDS:
            yield Check(
                False,
                f"The clocks of {agent.name} and of this server are {skew:.0f} seconds apart",
                "Let both follow NTP: a clock that is off breaks TLS",
            )
    if beats and all((_skew(agent) or 0) <= MOST_SKEW_SECONDS for agent in beats):
        yield Check(True, "The clocks of this server and its agents agree")


def _skew(agent: Agent) -> float | None:
    try:
        at = datetime.fromisoformat(str(agent.heartbeat.get("at", "")))
        return abs((agent.last_heartbeat_at - at).total_seconds()) if agent.last_heartbeat_at else None
    except (ValueError, TypeError):  # a release that says it otherwise
        return None


def _sign_in() -> Iterator[Check]:
    for sentence in incomplete():
        yield Check(False, sentence, grave=False)


def _account(user: User) -> Task:
    if not is_local(user):
        text = "You come in with an account of a provider, so there is no password here."
        return Task("Account", "Your account", text, done=True)
    changed = AuditEntry.objects.filter(action="user.change_password", actor_key=str(user.pk)).exists()
    second = has_second_factor(user)
    checks = (
        Check(changed, "You chose your password" if changed else "Your password is the one that was made for you", "Choose one of your own"),
        Check(
            second,
            "A second factor protects your account" if second else "Your account has no second factor",
            "Add a passkey or an authenticator app: this account may do everything",
            grave=False,
        ),
    )  # fmt: skip
    page = reverse("security") if changed else reverse("account_change_password")
    button = "Add a second factor" if changed else "Change the password"
    return Task(
        "Account",
        "Your account",
        "Whoever has it may do everything on this server.",
        changed,
        page,
        "" if changed and second else button,
        checks=checks,
    )


def _code_host(connected: Connection | None, *, project: bool) -> Task:
    text = "Where your pull requests are: GitHub, GitLab, Gitea or Forgejo. Webhooks come from there, and verdicts go there."
    if connected is not None:
        text = f"{connected.name} is connected."
    done = connected is not None or project  # a repository on this machine needs none
    return Task("Code host", "Code host", text, done, reverse("connections:new"), "Connect a code host")


def _project(connected: Connection | None, *, project: bool) -> Task:
    text = "The repositories whose pull requests get previews and verdicts."
    page = reverse("connections:repositories", args=[connected.pk]) if connected is not None else ""
    blocked = "" if connected is not None or project else "Connect a code host first."
    return Task("Project", "First project", text, project, page, "Choose repositories", blocked)


def _first_result(*, project: bool, online: bool, came: bool) -> Task:
    blocked = ""
    if not came and not project:
        blocked = "Put a repository under trial first."
    elif not came and not online:
        blocked = "It waits until an agent is online."
    text = (
        "Open a pull request, or push to one: its verdict and its preview appear here and at the code host."
    )
    return Task(
        "First result",
        "First pull request",
        text,
        came,
        reverse("projects:projects"),
        "See the projects",
        blocked,
    )
