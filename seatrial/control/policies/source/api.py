"""REST: where a workspace keeps its policies."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router, Schema
from ninja.responses import Status
from pydantic import Field

from seatrial.control.accounts.access import Action, find_allowed, find_visible, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound
from seatrial.control.policies.asked import REFUSED, PolicyId, WorkspaceSlug
from seatrial.control.policies.authoring.finding import managed
from seatrial.control.policies.errors import BadSource
from seatrial.control.policies.models import Policy
from seatrial.control.policies.source import services
from seatrial.control.policies.source.models import KeptPolicy, PolicySource, SourceReview
from seatrial.control.policies.source.telling import described, page_url
from seatrial.control.policies.source.words import why_rewound
from seatrial.control.projects.models import Project

router = Router(tags=["policies"])
ReviewId = Annotated[str, Path(description="Id of a review.")]
MOST_REVIEWS = 50


class SourceWanted(Schema):
    """A folder of a branch."""

    project: str = Field(max_length=200, description="Id or slug of a project of the workspace.")
    branch: str = Field("", max_length=300, description="The branch; empty: the project's default branch.")
    folder: str = Field(
        "", max_length=600, description="The folder, from the root of the repository; empty: all of it."
    )


class KeptWanted(Schema):
    """Whether a policy's file decides."""

    kept: bool = Field(
        description="true: its file decides; false: it is changed here, and its file is not looked at."
    )


class WrongAnswer(Schema):
    """One thing that is wrong in a file."""

    line: int = Field(description="The line, from 1; 0: it is about the whole file.")
    key: str = Field(description="The key whose value is wrong; empty if it is about none.")
    text: str = Field(description="What is wrong, and the fix, for people.")


class SourceFileAnswer(Schema):
    """A file of the source."""

    path: str = Field(description="Its path from the root of the repository.")
    policies: list[str] = Field(description="Slugs of the policies in it.")
    broken: list[WrongAnswer] = Field(
        description="What is wrong in it; what was taken before stays in force."
    )


class KeptAnswer(Schema):
    """A policy that is kept in a file, or was."""

    policy: str = Field(description="The policy's slug.")
    path: str = Field(description="The file's path.")
    line: int = Field(description="The line at which it begins.")
    commit: str = Field(description="In which the file was last seen.")
    standing: str = Field(
        description="kept: the file decides; gone: no file has it any more; released: it is changed here."
    )


class SourceAnswer(Schema):
    """Where a workspace keeps its policies, and what was taken of it."""

    workspace: str = Field(description="The workspace's slug.")
    project: str = Field(description="The project's slug.")
    branch: str = Field(description="The branch.")
    folder: str = Field(description="The folder; empty: the whole repository.")
    waits: bool = Field(description="Whether it will be read soon.")
    looked_at: datetime | None = Field(description="When it was last read, or could not be; null: not yet.")
    problem: str = Field(description="Why it could not be read then, for people; empty if it was.")
    commit: str = Field(description="The commit that was taken last; empty: none yet.")
    taken_at: datetime | None = Field(description="When; null: not yet.")
    rewound: str = Field(
        description="For people: that this commit does not follow the one that was taken before; empty if it does."
    )
    rewound_from: str = Field(description="The commit that had been taken before, then; empty otherwise.")
    files: list[SourceFileAnswer] = Field(description="The files that could be policies.")
    policies: list[KeptAnswer] = Field(description="The policies that are kept there, or were.")


class ReviewChangeAnswer(Schema):
    """A policy that would be another one."""

    policy: str = Field(description="The policy's slug.")
    change: str = Field(
        description="new; changed; gone: no file would have it any more, and it would run on; released: it is changed here, and its "
        "file is not looked at."
    )
    path: str = Field(description="The file's path.")
    line: int = Field(description="The line at which it begins.")


class ReviewFailureAnswer(Schema):
    """A policy's own test that fails."""

    policy: str = Field(description="The policy's slug.")
    test: str = Field(description="The test's name.")
    path: str = Field(description="The policy's file.")
    line: int = Field(description="The line at which the policy begins.")
    text: str = Field(description="What was expected and what was said, for people.")


class ReviewAnswer(Schema):
    """What a pull request would make of the policies that are kept in git."""

    id: str = Field(description="Its id.")
    number: int = Field(description="The pull request's number.")
    title: str = Field(description="The pull request's title.")
    commit: str = Field(description="The commit that was read.")
    state: str = Field(description="queued, running, passed, failed, errored or superseded.")
    said: str = Field(description="The same in a line, for people.")
    changes: list[ReviewChangeAnswer] = Field(description="The policies that would be other ones.")
    files: list[SourceFileAnswer] = Field(description="The files with something wrong.")
    failures: list[ReviewFailureAnswer] = Field(description="The tests that fail.")
    untested: list[str] = Field(description="Slugs of those that would be new or changed and bring no tests.")
    page_url: str = Field(description="Its page.")
    created_at: datetime = Field(description="When it was begun.")
    finished_at: datetime | None = Field(description="When it ended; null before that.")


@router.get(
    "/workspaces/{workspace}/policy-source",
    response={200: SourceAnswer, 404: ErrorAnswer},
    summary="Where policies are kept in git",
)
def get_policy_source(request: HttpRequest, workspace: WorkspaceSlug) -> SourceAnswer:
    """And what was taken of it. 404 if they are kept here only."""
    found = workspace_named(person(request), workspace)
    row = services.source_of(found)
    if row is None:
        raise NotFound(f"The policies of {found.slug} are not kept in git.")
    return _answer(row)


@router.patch(
    "/workspaces/{workspace}/policy-source",
    response={200: SourceAnswer, **REFUSED},
    summary="Keep policies in git",
)
def set_policy_source(request: HttpRequest, workspace: WorkspaceSlug, wanted: SourceWanted) -> SourceAnswer:
    """It takes the role admin. The branch is read at once, after every push to it, and every few minutes."""
    found = managed(person(request), workspace)
    rows = Project.objects.filter(workspace=found)
    project = rows.filter(pk=wanted.project).first() or rows.filter(slug=wanted.project).first()
    if project is None:
        raise BadSource(f"The workspace {found.slug} has no project {wanted.project}.")
    return _answer(services.set_source(found, project, wanted.branch, wanted.folder, by=actor(request)))


@router.post(
    "/workspaces/{workspace}/policy-source/sync",
    response={200: SourceAnswer, **REFUSED},
    summary="Read the branch with the policies now",
)
def sync_policy_source(request: HttpRequest, workspace: WorkspaceSlug) -> SourceAnswer:
    """It takes the role admin. `waits` is true until it was read."""
    row = _managed(request, workspace)
    services.ask(row, by=actor(request))
    return _answer(PolicySource.objects.select_related("workspace", "project").get(pk=row.pk))


@router.delete(
    "/workspaces/{workspace}/policy-source",
    response={204: None, **REFUSED},
    summary="Keep policies here only",
)
def remove_policy_source(request: HttpRequest, workspace: WorkspaceSlug) -> Status[None]:
    """It takes the role admin. The policies stay as they are, and are changed here again."""
    services.remove_source(_managed(request, workspace), by=actor(request))
    return Status(204, None)


@router.patch(
    "/policies/{policy}/kept",
    response={200: KeptAnswer, **REFUSED},
    summary="Take a policy over from git, or give it back",
)
def set_kept(request: HttpRequest, policy: PolicyId, wanted: KeptWanted) -> KeptAnswer:
    """It takes the role admin. What is given back is as its file has it once the branch was read."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy, "workspace")
    change = services.give_back if wanted.kept else services.release
    return _kept(change(row, by=actor(request)))


@router.get(
    "/workspaces/{workspace}/policy-source/reviews",
    response={200: list[ReviewAnswer], 404: ErrorAnswer},
    summary="What pull requests would make of the policies",
)
def list_policy_reviews(request: HttpRequest, workspace: WorkspaceSlug) -> list[ReviewAnswer]:
    """The newest 50, the newest first."""
    found = workspace_named(person(request), workspace)
    rows = SourceReview.objects.filter(source__workspace=found).select_related("pull_request").order_by("-id")
    return [_review(row) for row in rows[:MOST_REVIEWS]]


@router.get(
    "/policy-reviews/{review}",
    response={200: ReviewAnswer, 404: ErrorAnswer},
    summary="What one commit would make of the policies",
)
def get_policy_review(request: HttpRequest, review: ReviewId) -> ReviewAnswer:
    """As far as it is."""
    return _review(find_visible(person(request), SourceReview, review, "pull_request"))


def _review(row: SourceReview) -> ReviewAnswer:
    return ReviewAnswer(
        id=row.pk,
        number=row.pull_request.number,
        title=row.pull_request.title,
        commit=row.commit,
        state=row.state,
        said=described(row),
        changes=[ReviewChangeAnswer(**one) for one in row.changes],
        files=[SourceFileAnswer(**one) for one in row.broken],
        failures=[ReviewFailureAnswer(**one) for one in row.failures],
        untested=row.found.get("untested", []),
        page_url=page_url(row),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _managed(request: HttpRequest, workspace: str) -> PolicySource:
    found = managed(person(request), workspace)
    row = services.source_of(found)
    if row is None:
        raise NotFound(f"The policies of {found.slug} are not kept in git.")
    return row


def _answer(row: PolicySource) -> SourceAnswer:
    return SourceAnswer(
        workspace=row.workspace.slug,
        project=row.project.slug,
        branch=row.branch,
        folder=row.folder,
        waits=row.waits,
        looked_at=row.looked_at,
        problem=row.problem,
        commit=row.commit,
        taken_at=row.taken_at,
        rewound=why_rewound(row),
        rewound_from=row.rewound_from,
        files=[SourceFileAnswer(**one) for one in row.files],
        policies=[_kept(one) for one in row.kept.select_related("policy").order_by("policy__slug")],
    )


def _kept(row: KeptPolicy) -> KeptAnswer:
    return KeptAnswer(
        policy=row.policy.slug, path=row.path, line=row.line, commit=row.commit, standing=row.standing
    )
