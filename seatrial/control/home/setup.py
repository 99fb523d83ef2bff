"""The first steps of a new install: what is done, what is next, and what keeps a step from being possible.

Nothing is stored: each step is read from what is there. When all are done, there is no set-up any more.
"""

from dataclasses import dataclass

from django.urls import reverse

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.admission.sessions import is_local
from seatrial.control.accounts.models import User
from seatrial.control.accounts.second_factor.required import has_second_factor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet.hosts import PRESENT
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.registry import FORGES
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Label
from seatrial.control.projects.models import Connection, Project
from seatrial.control.status.check import About, Check
from seatrial.control.status.checks import of_agents, of_certificates, of_server
from seatrial.wire.states import AgentState


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
    checks = (*of_server(agents), *of_certificates(), *of_agents(agents))
    return Task(
        "Checks",
        "This server and its agent",
        "What has to work before a pull request can be tried out.",
        all(check.well or not check.grave for check in checks),
        reverse("fleet:agents"),
        "See the agents",
        checks=checks,
    )


def _account(user: User) -> Task:
    if not is_local(user):
        text = "You come in with an account of a provider, so there is no password here."
        return Task("Account", "Your account", text, done=True)
    changed = AuditEntry.objects.filter(action="user.change_password", actor_key=str(user.pk)).exists()
    second = has_second_factor(user)
    checks = (
        Check(About.SIGN_IN, changed, "You chose your password" if changed else "Your password is the one that was made for you", "Choose one of your own"),
        Check(
            About.SIGN_IN,
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
