"""Reads GitLab's projects, which are repositories to us, and who may do what there."""

from collections.abc import Iterator

from seatrial.control.forges.gitlab import branches
from seatrial.control.forges.gitlab.answers import Member, Person, ProjectAnswer
from seatrial.control.forges.gitlab.client import GitLabClient, NotAllowed, of_project
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import Asked, ForgeRepository
from seatrial.control.projects.models import Project
from seatrial.wire import evaluations

REPORTER, DEVELOPER, MAINTAINER = 20, 30, 40
ROLES = {
    5: "minimal access",
    10: "guest",
    15: "planner",
    REPORTER: "reporter",
    25: "security manager",
    DEVELOPER: "developer",
    MAINTAINER: "maintainer",
    50: "owner",
    60: "admin",
}
ACTIVE = "active"
PRIVATE = frozenset({"private", "internal"})


def reached(client: GitLabClient) -> Iterator[ForgeRepository]:
    """Every project that the token's account is a member of, sub-groups included."""
    query = {"membership": "true", "order_by": "id", "sort": "asc", "pagination": "keyset"}
    answers = client.pages("/projects", ProjectAnswer, query)
    return (as_repository(answer) for answer in answers)


def as_repository(answer: ProjectAnswer) -> ForgeRepository:
    """A project, as all forges say it."""
    return ForgeRepository(
        external_id=str(answer.id),
        full_name=answer.path_with_namespace,
        name=answer.path,
        clone_url=answer.http_url_to_repo or f"{answer.web_url}.git",
        web_url=answer.web_url,
        default_branch=answer.default_branch or "main",
        private=answer.visibility in PRIVATE,
        archived=answer.archived,
        manageable=answer.permissions is not None and answer.permissions.level >= MAINTAINER,
    )


def facts(client: GitLabClient, project: Project, asked: frozenset[Asked]) -> evaluations.ForgeFacts:
    """What policies may ask about the project; of what takes requests of its own, only what is `asked`."""
    answer = client.get(of_project(project.external_id), ProjectAnswer)
    return evaluations.ForgeFacts(
        default_branch=answer.default_branch or "",
        members=_members(client, project) if Asked.MEMBERS in asked else [],
        topics=list(answer.topics),
        protection=branches.protection(client, project, answer) if Asked.PROTECTION in asked else None,
        metadata=evaluations.Metadata(
            name=answer.name,
            description=answer.description or "",
            web_url=answer.web_url,
            created_at=answer.created_at.isoformat() if answer.created_at else None,
            updated_at=answer.last_activity_at.isoformat() if answer.last_activity_at else None,
        ),
    )


def may_write(client: GitLabClient, project: Project, login: str) -> bool:
    """Whether the account may push, by itself or through a group."""
    person = _named(client, login)
    return person is not None and _level(client, project, person) >= DEVELOPER


def may_read(client: GitLabClient, project: Project, login: str) -> bool:
    """Whether the account may read the code: not as a guest of a private project."""
    person = _named(client, login)
    if person is None:
        return False
    if _level(client, project, person) >= REPORTER:
        return True
    return client.get(of_project(project.external_id), ProjectAnswer).visibility in {"public", "internal"}


def _named(client: GitLabClient, login: str) -> Person | None:
    people = client.pages("/users", Person, {"username": login})
    return next((one for one in people if one.username.casefold() == login.casefold()), None)


def _level(client: GitLabClient, project: Project, person: Person) -> int:
    """Of its access, by itself or through a group; 0: it has none."""
    try:
        member = client.get(f"{of_project(project.external_id)}/members/all/{person.id}", Member)
    except NoSuchThing:
        return 0
    return member.access_level if member.state == ACTIVE else 0


def _members(client: GitLabClient, project: Project) -> list[evaluations.Member]:
    """Everybody with access, each with the highest role; nobody where the token may not see them."""
    levels: dict[str, int] = {}
    try:
        for one in client.pages(f"{of_project(project.external_id)}/members/all", Member):
            if one.state == ACTIVE:
                levels[one.username] = max(one.access_level, levels.get(one.username, 0))
    except (NotAllowed, NoSuchThing):
        return []
    return [evaluations.Member(username=name, role=_role(level)) for name, level in levels.items()]


def _role(level: int) -> str:
    """The name of the role that has this level, or the next lower one: GitLab adds roles in between."""
    known = [one for one in ROLES if one <= level]
    return ROLES[max(known)] if known else "no access"
