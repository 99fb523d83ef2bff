"""Turns GitHub's payloads into events."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.github.payloads import (
    NO_COMMIT,
    CreatePayload,
    Payload,
    PullRequestPayload,
    PushPayload,
    Repository,
    RepositoryPayload,
)
from seatrial.control.projects.events import (
    ForgeEvent,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    RepositoryChanged,
    TagCreated,
)

MOVES = frozenset({"renamed", "transferred", "edited"})
P = TypeVar("P", bound=Payload)
IdOf = Callable[[Repository], str]


def github_id(repository: Repository) -> str:
    """GitHub's own number."""
    return str(repository.id)


def parse(event: str, body: bytes, id_of: IdOf = github_id) -> ForgeEvent | None:
    """The event in a delivery; None for events and actions that we ignore. Raises UnreadablePayload."""
    if event == "pull_request":
        return _pull_request(read(PullRequestPayload, event, body), id_of)
    if event == "push":
        return _push(read(PushPayload, event, body), id_of)
    if event == "repository":
        return _repository(read(RepositoryPayload, event, body), id_of)
    if event == "create":
        read(CreatePayload, event, body)  # the push of the same ref carries the commit
    else:
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
    if payload.action not in set(PullRequestAction):
        return None
    pull_request = payload.pull_request
    head = pull_request.head
    return PullRequestChanged(
        external_id=id_of(payload.repository),
        number=pull_request.number,
        action=PullRequestAction(payload.action),
        head_sha=head.sha,
        branch=head.ref,
        base_branch=pull_request.base.ref,
        base_sha=pull_request.base.sha,
        title=pull_request.title,
        author=pull_request.user.login if pull_request.user else "",
        # A deleted fork (null) was a fork.
        from_fork=head.repo is None or head.repo.id != payload.repository.id,
        changed_at=pull_request.updated_at,
    )


def _repository(payload: RepositoryPayload, id_of: IdOf) -> RepositoryChanged | None:
    repository = payload.repository
    if payload.action not in MOVES or not repository.full_name or not repository.clone_url:
        return None
    return RepositoryChanged(
        external_id=id_of(repository),
        full_name=repository.full_name,
        clone_url=repository.clone_url,
        web_url=repository.html_url,
        default_branch=repository.default_branch or "main",
    )


def _push(payload: PushPayload, id_of: IdOf) -> Pushed | TagCreated | None:
    if payload.deleted or payload.after in NO_COMMIT:
        return None
    repository, author = id_of(payload.repository), payload.sender.login if payload.sender else ""
    if payload.ref.startswith("refs/tags/"):
        return TagCreated(external_id=repository, ref=payload.ref, commit=payload.after, author=author)
    before = payload.before if payload.before and payload.before not in NO_COMMIT else ""
    return Pushed(external_id=repository, ref=payload.ref, commit=payload.after, author=author, before=before)
