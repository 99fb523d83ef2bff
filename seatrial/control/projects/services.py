"""Keeps repositories and pull requests as their forges report them."""

import structlog
from django.db import IntegrityError, transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.projects.endings import restore
from seatrial.control.projects.errors import ProjectContended
from seatrial.control.projects.events import Gone, PullRequestAction, PullRequestChanged, RepositoryChanged
from seatrial.control.projects.models import Connection, Project, PullRequest, PullRequestState
from seatrial.wire.hostnames import slug as slug_of

log = structlog.get_logger(__name__)

MAX_SLUG = 100
MAX_LABELS = 100


@transaction.atomic
def ensure_connection(
    workspace: Workspace,
    forge: str,
    name: str,
    *,
    webhook_secret: str,
    base_url: str = "",
    credential: str = "",
    identity: str = "",
    by: Actor = SYSTEM,
) -> Connection:
    """Return the connection of this name; if there is none, make it with `webhook_secret`, and as `identity` if given.

    One that exists keeps its webhook secret, and gets the address and the credential, if one is given. `forge` is not
    checked here: `forges.connecting` does that.
    """
    rows = Connection.objects.select_for_update(no_key=True)
    connection = rows.filter(workspace=workspace, forge=forge, name=name).first()
    if connection is None:
        connection = Connection.objects.create(
            **({"id": identity} if identity else {}),
            workspace=workspace,
            forge=forge,
            name=name[:200],
            base_url=base_url,
            credential=credential,
            webhook_secret=webhook_secret,
        )
        _record("connection.create", connection, by)
    elif credential:
        connection.base_url, connection.credential = base_url, credential
        connection.removal_asked_at = None
        connection.save(update_fields=["base_url", "credential", "removal_asked_at"])
        _record("connection.update", connection, by)
    return connection


@transaction.atomic
def replace_credential(connection: Connection, credential: str, *, by: Actor) -> None:
    """Store another credential, which was tried."""
    row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    row.credential = credential
    row.save(update_fields=["credential"])
    _record("connection.update", row, by)


def _record(action: str, connection: Connection, by: Actor) -> None:
    audit.record(
        action,
        f"connection/{connection.pk}",
        by=by,
        workspace=connection.workspace_id,
        details={"name": connection.name, "address": connection.base_url},
    )


def ensure_project(
    connection: Connection,
    external_id: str,
    *,
    name: str,
    clone_url: str,
    web_url: str,
    default_branch: str,
    full_name: str = "",
    by: Actor = SYSTEM,
) -> Project:
    """Make or update the project of one repository, and return it. Safe to call twice at once.

    Raises ProjectContended when others keep making projects at the same moment.
    """
    facts = {
        "clone_url": clone_url,
        "web_url": web_url,
        "default_branch": default_branch,
        "full_name": full_name,
        "gone": "",
        "archived_at": None,
        "removal_asked_at": None,
    }
    # Another process may take the slug, or make the project, between our query and our insert.
    for _ in range(3):
        project = Project.objects.filter(connection=connection, external_id=external_id).first()
        if project is not None:
            if project.archived_at is not None:
                restore(project, by)
            return _update_project(project, facts)
        try:
            with transaction.atomic():
                return _create_project(connection, external_id, name, facts, by)
        except IntegrityError:
            continue
    raise ProjectContended(external_id)


def _create_project(
    connection: Connection, external_id: str, name: str, facts: dict[str, str | None], by: Actor
) -> Project:
    project = Project.objects.create(
        workspace_id=connection.workspace_id,
        connection=connection,
        external_id=external_id,
        name=name[:200],
        slug=free_slug(connection.workspace_id, name),
        **facts,
    )
    audit.record(
        "project.create",
        f"project/{project.pk}",
        by=by,
        workspace=connection.workspace_id,
        details={"name": project.name, "repository": external_id},
    )
    return project


def _update_project(project: Project, facts: dict[str, str | None]) -> Project:
    changed = [name for name, value in facts.items() if getattr(project, name) != value]
    for name in changed:
        setattr(project, name, facts[name])
    if changed:
        project.save(update_fields=changed)
    return project


def free_slug(workspace_id: str, name: str) -> str:
    """`name` as a slug that no project of the workspace has yet: shop, shop-2, shop-3."""
    wanted = slug_of(name)[: MAX_SLUG - 6]
    taken = set(
        Project.objects.filter(workspace_id=workspace_id, slug__startswith=wanted).values_list(
            "slug", flat=True
        )
    )
    number = 1
    while (candidate := wanted if number == 1 else f"{wanted}-{number}") in taken:
        number += 1
    return candidate


def repository_changed(project: Project, event: RepositoryChanged) -> bool:
    """Note where the repository is now; False if that was known. Its name here and its slug stay."""
    facts: dict[str, str | None] = {
        "full_name": event.full_name,
        "clone_url": event.clone_url,
        "web_url": event.web_url,
        "default_branch": event.default_branch,
    }
    known = {name: getattr(project, name) for name in facts}
    _update_project(project, facts)
    return known != facts


def set_gone(project: Project, why: Gone | None) -> bool:
    """Note that the repository takes no more changes, or does again (None); False if that was known.

    The caller has its pull requests followed: `outbox.instruct(Instruction.FOLLOW)`.
    """
    wanted = why or ""
    if project.gone == wanted:
        return False
    project.gone = wanted
    project.save(update_fields=["gone"])
    log.info("repository is gone" if why else "repository is back", project=project.slug, why=wanted)
    return True


def find_project(connection: Connection, external_id: str) -> Project | None:
    """The project of a repository, unless it is archived; None if nobody registered it."""
    return Project.objects.filter(connection=connection, external_id=external_id, archived_at=None).first()


@transaction.atomic
def apply_pull_request(project: Project, event: PullRequestChanged) -> PullRequest | None:
    """Update the pull request from `event` and return it; None if we know a newer state. Idempotent.

    What an event may leave out stays as it was known: the author, and the base of a head that did not move.

    Events are ordered by the forge's clock, which may only count whole seconds. Among events with the same time, closed
    wins over everything but reopened, so that a repeated or late delivery cannot bring a closed pull request back.
    """
    # The lock is for two first deliveries of one pull request at once. A rebuild only refers to the project and need
    # not wait.
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = PullRequest.objects.filter(project=project, number=event.number).first()
    if known is not None and not is_news(known, event):
        return None
    pull_request = known or PullRequest(number=event.number)
    pull_request.project = project  # for the callers, so that nobody reads it again
    pull_request.title = event.title[:500]
    pull_request.author = event.author[:200] or pull_request.author
    pull_request.base_sha = event.base_sha or _known_base(pull_request, event)
    pull_request.branch = event.branch
    pull_request.base_branch = event.base_branch
    pull_request.head_sha = event.head_sha
    pull_request.from_fork = event.from_fork
    pull_request.draft = event.draft
    pull_request.labels = [label[:100] for label in event.labels[:MAX_LABELS]]
    pull_request.merged = event.merged and event.action is PullRequestAction.CLOSED
    pull_request.state = state_after(event)
    pull_request.changed_at = event.changed_at
    pull_request.opened_at = event.opened_at or pull_request.opened_at or event.changed_at
    pull_request.save()
    return pull_request


def _known_base(pull_request: PullRequest, event: PullRequestChanged) -> str:
    known = (pull_request.head_sha, pull_request.base_branch)
    return pull_request.base_sha if known == (event.head_sha, event.base_branch) else ""


def state_after(event: PullRequestChanged) -> PullRequestState:
    """The state of the pull request after `event`."""
    return PullRequestState.CLOSED if event.action is PullRequestAction.CLOSED else PullRequestState.OPEN


def is_news(known: PullRequest, event: PullRequestChanged) -> bool:
    """Whether `event` is newer than what is `known`. What is known only becomes newer, so a False stays true."""
    if event.changed_at != known.changed_at:
        return event.changed_at > known.changed_at
    return known.state != PullRequestState.CLOSED or event.action in {
        PullRequestAction.CLOSED,
        PullRequestAction.REOPENED,
    }


def note_unreachable(project: Project, why: str) -> None:
    """Record that the forge cannot report on the project. Logged once; its page shows it until `note_reachable`."""
    if project.unreachable == why:
        return
    if Project.objects.filter(pk=project.pk, unreachable="").update(unreachable=why):
        log.warning(
            "project is unreachable; its pull requests stay as they are", project=project.slug, why=why
        )
    else:
        Project.objects.filter(pk=project.pk).update(unreachable=why)
    project.unreachable = why


def note_reachable(project: Project) -> None:
    """Record that the forge reports on the project again."""
    if not project.unreachable:
        return
    if Project.objects.filter(pk=project.pk).exclude(unreachable="").update(unreachable=""):
        log.info("project is reachable again", project=project.slug)
    project.unreachable = ""
