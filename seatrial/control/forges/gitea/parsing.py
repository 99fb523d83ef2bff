"""Turns payloads of Gitea and Forgejo into events."""

from typing import TypeVar

from pydantic import ValidationError

from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.gitea.payloads import (
    CommentPayload,
    PullRequestPayload,
    PushPayload,
    RepositoryPayload,
)
from seatrial.control.forges.gitea.pulls import as_event
from seatrial.control.forges.github.payloads import NO_COMMIT, Payload
from seatrial.control.projects.events import (
    Commented,
    ForgeEvent,
    Gone,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    RepositoryChanged,
    RepositoryGone,
    TagCreated,
)

P = TypeVar("P", bound=Payload)
ACTIONS = {
    "opened": PullRequestAction.OPENED,
    "synchronized": PullRequestAction.SYNCHRONIZE,
    "reopened": PullRequestAction.REOPENED,
    "closed": PullRequestAction.CLOSED,
    "deleted": PullRequestAction.CLOSED,
    "edited": PullRequestAction.CHANGED,  # its title, which says whether it is a draft, or its base
    "label_updated": PullRequestAction.CHANGED,
    "label_cleared": PullRequestAction.CHANGED,
}


def parse(event: str, body: bytes) -> ForgeEvent | None:
    """The event in a delivery; None for events and actions that we ignore. Raises UnreadablePayload.

    A new tag is a `push`; `create` and `release` say the same again.
    """
    if event == "pull_request":
        return _pull_request(_read(PullRequestPayload, event, body))
    if event == "push":
        return _push(_read(PushPayload, event, body))
    if event == "repository":
        return _repository(_read(RepositoryPayload, event, body))
    if event == "issue_comment":
        return _comment(_read(CommentPayload, event, body))
    _read(Payload, event, body)  # any JSON object will do
    return None


def _read(model: type[P], event: str, body: bytes) -> P:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        form = body.startswith(b"payload=")
        fix = ". Set the webhook's content type to application/json at the forge." if form else ""
        raise UnreadablePayload(
            f"{event} payload: {where}{': ' if where else ''}{first['msg']}{fix}"
        ) from error


def _pull_request(payload: PullRequestPayload) -> PullRequestChanged | None:
    action = ACTIONS.get(payload.action)
    if action is None:
        return None
    if not payload.pull_request.head.sha:
        raise UnreadablePayload("pull_request payload: pull_request.head.sha: the pull request has no commit")
    return as_event(str(payload.repository.id), payload.pull_request, action)


def _push(payload: PushPayload) -> Pushed | TagCreated | None:
    if payload.after in NO_COMMIT or payload.after == payload.before:  # the latter is how webhooks are tested
        return None
    repository, who = str(payload.repository.id), payload.pusher or payload.sender
    author = who.login if who else ""
    if payload.ref.startswith("refs/tags/"):
        commit = payload.head_commit.id if payload.head_commit else payload.after
        return TagCreated(external_id=repository, ref=payload.ref, commit=commit, author=author)
    before = payload.before if payload.before and payload.before not in NO_COMMIT else ""
    return Pushed(external_id=repository, ref=payload.ref, commit=payload.after, author=author, before=before)


def _repository(payload: RepositoryPayload) -> RepositoryGone | RepositoryChanged | None:
    """Gitea up to 1.27, and Forgejo, only report that one was made or deleted; newer ones of Gitea a new name, too."""
    there = payload.repository
    if payload.action == "deleted":
        return RepositoryGone(external_id=str(there.id), why=Gone.DELETED)
    if payload.action != "renamed":
        return None
    return RepositoryChanged(
        external_id=str(there.id),
        full_name=there.full_name,
        clone_url=there.clone_url or f"{there.html_url}.git",
        web_url=there.html_url,
        default_branch=there.default_branch or "main",
    )


def _comment(payload: CommentPayload) -> Commented | None:
    comment = payload.comment
    if payload.action != "created" or not payload.is_pull or comment.user is None:
        return None
    return Commented(
        external_id=str(payload.repository.id),
        number=payload.issue.number,
        comment=str(comment.id),
        author=comment.user.login,
        body=comment.body or "",
    )
