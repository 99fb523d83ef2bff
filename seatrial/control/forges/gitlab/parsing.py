"""Turns GitLab's payloads into events."""

from typing import TypeVar

from pydantic import ValidationError

from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.gitlab.payloads import (
    NO_COMMIT,
    MergeRequestAttributes,
    MergeRequestPayload,
    NotePayload,
    Payload,
    PushPayload,
)
from seatrial.control.projects.events import (
    Commented,
    ForgeEvent,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    TagCreated,
)

OPENED, MERGED = "opened", "merged"
OVER = frozenset({"closed", MERGED})
UPDATE = "update"
ACTIONS = {
    "open": PullRequestAction.OPENED,
    "reopen": PullRequestAction.REOPENED,
    "close": PullRequestAction.CLOSED,
    "merge": PullRequestAction.CLOSED,
}
NOTE_OF = "MergeRequest"
P = TypeVar("P", bound=Payload)


def parse(event: str, body: bytes) -> ForgeEvent | None:
    """The event in a delivery; None for events and actions that we ignore. Raises UnreadablePayload.

    A project's webhooks do not tell that it was renamed, archived or deleted, nor what a merge train does.
    """
    if event == "Merge Request Hook":
        return _merge_request(_read(MergeRequestPayload, event, body))
    if event in {"Push Hook", "Tag Push Hook"}:
        return _push(_read(PushPayload, event, body))
    if event == "Note Hook":
        return _note(_read(NotePayload, event, body))
    _read(Payload, event, body)  # of a group, of a newer GitLab: any JSON object will do
    return None


def _read(model: type[P], event: str, body: bytes) -> P:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnreadablePayload(f"{event} payload: {where + ': ' if where else ''}{first['msg']}") from error


def _merge_request(payload: MergeRequestPayload) -> PullRequestChanged | None:
    changed = payload.object_attributes
    action = _action(changed)
    if (
        action is None or changed.last_commit is None
    ):  # its branch is gone: the next comparison sees what became of it
        return None
    draft = changed.draft if changed.draft is not None else changed.work_in_progress
    labels = changed.labels or payload.labels
    return PullRequestChanged(
        external_id=str(changed.target_project_id),
        number=changed.iid,
        action=action,
        head_sha=changed.last_commit.id,
        branch=changed.source_branch,
        base_branch=changed.target_branch,
        title=changed.title,
        # Of the author, a payload tells the number; the name only if they did it themselves
        author=payload.user.username if payload.user.id == changed.author_id else "",
        from_fork=changed.source_project_id != changed.target_project_id,
        changed_at=changed.updated_at,
        opened_at=changed.created_at,
        draft=bool(draft),
        merged=changed.state == MERGED,
        labels=tuple(label.title for label in labels),
    )


def _action(changed: MergeRequestAttributes) -> PullRequestAction | None:
    """What happened; None for what leads to nothing, such as an approval, or a label of one that is over."""
    if changed.action != UPDATE:
        return ACTIONS.get(changed.action)
    if changed.state in OVER:
        return None
    return PullRequestAction.SYNCHRONIZE if changed.oldrev else PullRequestAction.CHANGED


def _push(payload: PushPayload) -> Pushed | TagCreated | None:
    if payload.after in NO_COMMIT:
        return None
    repository, author = str(payload.project_id), payload.user_username or ""
    if payload.ref.startswith("refs/tags/"):
        commit = payload.checkout_sha or payload.after
        return TagCreated(external_id=repository, ref=payload.ref, commit=commit, author=author)
    before = payload.before if payload.before and payload.before not in NO_COMMIT else ""
    return Pushed(external_id=repository, ref=payload.ref, commit=payload.after, author=author, before=before)


def _note(payload: NotePayload) -> Commented | None:
    note, below = payload.object_attributes, payload.merge_request
    if below is None or note.noteable_type != NOTE_OF or note.system or note.action != "create":
        return None
    return Commented(
        external_id=str(payload.project_id),
        number=below.iid,
        comment=str(note.id),
        author=payload.user.username,
        body=note.note,
    )
