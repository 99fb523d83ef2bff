"""REST of the local forge: what `seatrial preview` and `seatrial close` call."""

from django.http import HttpRequest
from ninja import Field, Router, Schema

from seatrial.control.accounts.access import Action, require, visible, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound
from seatrial.control.forges.local import KIND, services
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import Project

router = Router(tags=["local forge"])


class RepositoryAsked(Schema):
    """A directory on the server's own disk. Only people with several workspaces need `workspace` (a slug)."""

    path: str = Field(
        description="Absolute path of a repository, or of a directory in one, on the server's own disk."
    )
    workspace: str = Field(
        "", description="Slug of the workspace it is for; needed only by people who are in several."
    )


class BranchAsked(Schema):
    """A branch of a registered repository; `project` is its id or slug."""

    project: str = Field(description="The project's id or slug.")
    branch: str = Field(description="The branch's name, without refs/heads/.")


class LocalProject(Schema):
    """A registered repository."""

    id: str = Field(description="Its id.")
    name: str = Field(description="The repository's name.")
    slug: str = Field(description="Its name in addresses, unique in its workspace.")
    default_branch: str = Field(description="The branch that others are merged into.")
    web_url: str = Field(description="The repository's address for people.")
    further_recipes: list[str] = Field(
        description="The folders of its further recipes, of each of which every pull request gets a preview, too."
    )


class LocalPull(Schema):
    """A pull request of the local forge; `project` is the project's id."""

    project: str = Field(description="Id of its project.")
    number: int = Field(description="Its number, unique in its project.")
    branch: str = Field(description="The branch that is to be merged.")
    head_sha: str = Field(description="The branch's commit.")


PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


@router.post("/projects", response={200: LocalProject, **PROBLEMS}, summary="Register a repository directory")
def register_repository(request: HttpRequest, asked: RepositoryAsked) -> LocalProject:
    """Idempotent: the same directory is the same project."""
    workspace = workspace_named(person(request), asked.workspace)
    require(person(request), Action.MANAGE_PROJECTS, workspace)
    project = services.register(services.local_connection(workspace), asked.path, by=actor(request))
    return LocalProject(
        id=project.pk,
        name=project.name,
        slug=project.slug,
        default_branch=project.default_branch,
        web_url=project.web_url,
        further_recipes=project.further_recipes,
    )


@router.post("/pulls", response={200: LocalPull, **PROBLEMS}, summary="Open a branch as a pull request")
def open_pull(request: HttpRequest, asked: BranchAsked) -> LocalPull:
    """Updates an open pull request to the branch's commit, and reopens a closed one. The webhook follows soon after."""
    project = _project(person(request), asked.project)
    require(person(request), Action.OPEN_PULL_REQUEST, project)
    return _answer(services.open_pull(project, asked.branch, by=actor(request)))


@router.post("/pulls/close", response={200: LocalPull, **PROBLEMS}, summary="Close a branch's pull request")
def close_pull(request: HttpRequest, asked: BranchAsked) -> LocalPull:
    """Closing a closed one is no error."""
    project = _project(person(request), asked.project)
    require(person(request), Action.OPEN_PULL_REQUEST, project)
    return _answer(services.close_pull(project, asked.branch, by=actor(request)))


def _project(user: User, name: str) -> Project:
    mine = visible(user, Project).filter(connection__forge=KIND, archived_at=None)
    project = mine.filter(pk=name).first() or mine.filter(slug=name).first()
    if project is None:
        raise NotFound(f"There is no project {name}. Register its repository first.")
    return project


def _answer(row: LocalPullRequest) -> LocalPull:
    return LocalPull(project=row.project_id, number=row.number, branch=row.branch, head_sha=row.head_sha)
