"""What goes wrong with code hosts, each once: for the tests in a browser and for scripts/screenshots."""

from dataclasses import asdict, dataclass
from datetime import timedelta

from django.utils import timezone

from seatrial.control.accounts.models import Invitation
from seatrial.control.forges.models import Account, StoredBudget
from seatrial.control.forges.protocol import Right
from seatrial.control.projects.models import Connection, Project
from tests import factories as make
from tests.dashboard.harbour import Harbour, drift

LONG = "a-repository-with-a-name-that-somebody-thought-about-for-a-long-time"


@dataclass
class Straits:
    """The rows that pages are opened at."""

    ended: Connection  # nothing of it works any more
    empty: Connection  # nothing was chosen yet
    archived: Project
    removed: Project
    gone: Project
    unreachable: Project
    quiet: Project  # all has happened, and no pull request is open


def trouble(harbour: Harbour) -> Straits:
    """Make everything."""
    cast, hosted = harbour.cast, harbour.hosted
    now = timezone.now()
    drift(harbour)
    StoredBudget.objects.create(
        connection=hosted, left=0, most=5000, resets_at=now + timedelta(minutes=34), heard_at=now
    )
    ended = make.connection(
        cast.workspace,
        forge="gitlab",
        name="the platform team's bot at gitlab.platform.example.com",
        base_url="https://gitlab.platform.example.com",
        webhook_secret="",
    )
    Account.objects.create(
        connection=ended,
        login="project_1003_bot_4ffca233d8298ea1",
        version="GitLab 18.2.0-ee",
        missing=["the scope api"],
        rights=[
            asdict(Right(name="the scope api", given=False, without="nothing works")),
            asdict(Right(name="the role Maintainer", given=None, without="webhooks are made by hand")),
        ],
        expires_at=now - timedelta(days=2),
        problem="gitlab.platform.example.com answers 401 Unauthorized for /api/v4/user",
        asked_at=now - timedelta(minutes=4),
    )
    empty = make.connection(
        cast.workspace, forge="gitea", name="forgejo", base_url="https://git.example.org/forgejo"
    )
    _project(ended, LONG, "platform/sub-group/another-sub-group")
    for login, ends in (("octocat", 6), ("hubot", -1)):
        Invitation.objects.create(
            workspace=cast.workspace,
            provider="github",
            login=login,
            role="developer",
            expires_at=now + timedelta(days=ends),
        )
    at = {"archived_at": now - timedelta(days=40)}
    suspended = "The installation harbour of the GitHub App is suspended: unsuspend it at GitHub"
    return Straits(
        ended,
        empty,
        archived=_project(hosted, "old-charts", **at),
        removed=_project(hosted, "wrecks", **at, removal_asked_at=now - timedelta(minutes=1)),
        gone=_project(hosted, "lighters", gone="deleted"),
        unreachable=_project(hosted, "soundings", unreachable=suspended),
        quiet=_quiet(_project(hosted, "moorings")),
    )


def _project(connection: Connection, name: str, owner: str = "harbour", **fields: object) -> Project:
    return make.project(
        connection.workspace,
        name,
        connection=connection,
        external_id=f"of {name}",
        full_name=f"{owner}/{name}",
        web_url=f"{connection.base_url}/{owner}/{name}",
        **fields,
    )


def _quiet(project: Project) -> Project:
    pull = make.pull_request(project, title="Replace the chain", state="closed", merged=True)
    make.environment(pull, state="terminated", terminated_at=timezone.now())
    make.evaluation(pull, state="passed", score=100.0)
    return project
