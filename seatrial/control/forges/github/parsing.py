"""Turns GitHub's payloads into events."""

import re
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.github.payloads import (
    NO_COMMIT,
    CreatePayload,
    IssueCommentPayload,
    MergeGroupPayload,
    Payload,
    PullRequestPayload,
    PushPayload,
    Repository,
    RepositoryPayload,
)
from seatrial.control.projects.events import (
    Commented,
    ForgeEvent,
    Gone,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    QueuedForMerge,
    RepositoryBack,
    RepositoryChanged,
    RepositoryGone,
    TagCreated,
)

CLOSED = "closed"  # the state of a pull request
ACTIONS = {
    "opened": PullRequestAction.OPENED,
    "synchronize": PullRequestAction.SYNCHRONIZE,
    "reopened": PullRequestAction.REOPENED,
    "closed": PullRequestAction.CLOSED,
    **dict.fromkeys(
        ["edited", "labeled", "unlabeled", "converted_to_draft", "ready_for_review"],
        PullRequestAction.CHANGED,
    ),
}
MOVES = frozenset({"renamed", "transferred", "edited"})
GONE = {"archived": Gone.ARCHIVED, "deleted": Gone.DELETED}
BACK, QUEUED, WRITTEN = "unarchived", "checks_requested", "created"
IN_QUEUE = re.compile(
    r"/pr-(\d{1,9})-[0-9a-f]+$"
)  # the end of such a branch's name, by GitHub's documentation
OF_QUEUES = "refs/heads/gh-readonly-queue/"  # `merge_group` says more about these branches than their pushes
P = TypeVar("P", bound=Payload)
IdOf = Callable[[Repository], str]


def github_id(repository: Repository) -> str:
    """GitHub's own number."""
    return str(repository.id)


def parse(event: str, body: bytes, id_of: IdOf = github_id) -> ForgeEvent | None:
    """The event in a delivery; None for events and actions that we ignore. Raises UnreadablePayload."""
    match event:
        case "pull_request":
            return _pull_request(read(PullRequestPayload, event, body), id_of)
        case "push":
            return _push(read(PushPayload, event, body), id_of)
        case "repository":
            return _repository(read(RepositoryPayload, event, body), id_of)
        case "merge_group":
            return _queued(read(MergeGroupPayload, event, body), id_of)
        case "issue_comment":
            return _commented(read(IssueCommentPayload, event, body), id_of)
        case "create":
            read(CreatePayload, event, body)  # the push of the same ref carries the commit
        case _:
            read(Payload, event, body)  # ping, or an event of a newer forge: any JSON object will do
    return None


def read(model: type[P], event: str, body: bytes) -> P:
    """The payload of `event`. Raises UnreadablePayload, which says what is wrong with it."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"{event} payload: {where + ': ' if where else ''}{first['msg']}"
        if body.startswith(b"payload="):
            problem += ". Set the webhook's content type to application/json at the forge."
        raise UnreadablePayload(problem) from error


def _pull_request(payload: PullRequestPayload, id_of: IdOf) -> PullRequestChanged | None:
    action = ACTIONS.get(payload.action)
    if action is None:
        return None
    pull_request = payload.pull_request
    head = pull_request.head
    closed = pull_request.state == CLOSED
    return PullRequestChanged(
        external_id=id_of(payload.repository),
        number=pull_request.number,
        action=PullRequestAction.CLOSED if closed else action,
        head_sha=head.sha,
        branch=head.ref,
        base_branch=pull_request.base.ref,
        base_sha=pull_request.base.sha,
        title=pull_request.title,
        author=pull_request.user.login if pull_request.user else "",
        # A deleted fork (null) was a fork.
        from_fork=head.repo is None or head.repo.id != payload.repository.id,
        changed_at=pull_request.updated_at,
        opened_at=pull_request.created_at,
        draft=bool(pull_request.draft),
        merged=bool(pull_request.merged),
        labels=tuple(label.name for label in pull_request.labels or []),
    )


def _repository(
    payload: RepositoryPayload, id_of: IdOf
) -> RepositoryChanged | RepositoryGone | RepositoryBack | None:
    repository = payload.repository
    if payload.action in GONE:
        return RepositoryGone(external_id=id_of(repository), why=GONE[payload.action])
    if payload.action == BACK:
        return RepositoryBack(external_id=id_of(repository))
    if payload.action not in MOVES or not repository.full_name or not repository.clone_url:
        return None
    return RepositoryChanged(
        external_id=id_of(repository),
        full_name=repository.full_name,
        clone_url=repository.clone_url,
        web_url=repository.html_url,
        default_branch=repository.default_branch or "main",
    )


def _queued(payload: MergeGroupPayload, id_of: IdOf) -> QueuedForMerge | None:
    if payload.action != QUEUED:
        return None
    group = payload.merge_group
    return QueuedForMerge(
        external_id=id_of(payload.repository),
        commit=group.head_sha,
        ref=group.head_ref if group.head_ref.startswith("refs/") else f"refs/heads/{group.head_ref}",
        base_sha=group.base_sha or "",
        number=int(queued[1]) if (queued := IN_QUEUE.search(group.head_ref)) else None,
    )


def _commented(payload: IssueCommentPayload, id_of: IdOf) -> Commented | None:
    """Only what is written, below pull requests: nothing is carried out because somebody edits a comment."""
    comment = payload.comment
    if payload.action != WRITTEN or payload.issue.pull_request is None or comment.user is None:
        return None
    return Commented(
        external_id=id_of(payload.repository),
        number=payload.issue.number,
        comment=str(comment.id),
        author=comment.user.login,
        body=comment.body or "",
    )


def _push(payload: PushPayload, id_of: IdOf) -> Pushed | TagCreated | None:
    if payload.deleted or payload.after in NO_COMMIT or payload.ref.startswith(OF_QUEUES):
        return None
    repository, author = id_of(payload.repository), payload.sender.login if payload.sender else ""
    if payload.ref.startswith("refs/tags/"):
        return TagCreated(external_id=repository, ref=payload.ref, commit=payload.after, author=author)
    before = payload.before if payload.before and payload.before not in NO_COMMIT else ""
    return Pushed(external_id=repository, ref=payload.ref, commit=payload.after, author=author, before=before)
