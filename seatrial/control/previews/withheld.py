"""Why an open pull request gets no preview, and what people can do about it. Told from the rows, so always true now."""

from enum import StrEnum

from seatrial.control.projects.events import Gone
from seatrial.control.projects.models import PullRequest

WANTED, UNWANTED = "preview", "no-preview"  # labels; forges do not tell upper from lower case


class Withheld(StrEnum):
    """The reasons. Where several hold, the first one is told."""

    PROJECT_ARCHIVED = "project_archived"  # here, by a person
    GONE = "gone"  # its repository is archived or deleted
    SWITCHED_OFF = "switched_off"
    LABELLED = "labelled"
    FORK = "fork"
    NOT_LABELLED = "not_labelled"
    DRAFT = "draft"


FIXES = {
    Withheld.PROJECT_ARCHIVED: "An admin of the workspace can restore it in the project's settings.",
    Withheld.SWITCHED_OFF: "An admin of the workspace can switch them on in the project's settings.",
    Withheld.LABELLED: f"Remove the label {UNWANTED}.",
    Withheld.FORK: "Read what it changes. Somebody who may write to the repository can then approve this commit, and no other.",
    Withheld.NOT_LABELLED: f"Give it the label {WANTED}.",
    Withheld.DRAFT: "Mark it as ready for review.",
}
REASONS = {
    Withheld.PROJECT_ARCHIVED: "its project is archived",
    Withheld.SWITCHED_OFF: "previews are switched off for this project",
    Withheld.LABELLED: f"it has the label {UNWANTED}",
    Withheld.FORK: "it comes from a fork, and nobody has approved this commit",
    Withheld.NOT_LABELLED: f"it does not have the label {WANTED}",
    Withheld.DRAFT: "it is a draft",
}
REASONS_GONE = {
    Gone.ARCHIVED: "its repository is archived",
    Gone.DELETED: "its repository was deleted",
}
FIXES_GONE = {
    Gone.ARCHIVED: "Unarchive it: its previews come back by themselves.",
    Gone.DELETED: "What is known here is kept until an admin of the workspace removes the project.",
}


def withheld(pull_request: PullRequest) -> Withheld | None:
    """Why this pull request, which is open, gets no preview; None: it gets one. Its `project` should have been read."""
    project = pull_request.project
    labels = {str(label).casefold() for label in pull_request.labels}
    fork = pull_request.from_fork and not project.previews_of_forks and not pull_request.approved
    held = {
        Withheld.PROJECT_ARCHIVED: project.archived_at is not None,
        Withheld.GONE: bool(project.gone),
        Withheld.SWITCHED_OFF: not project.previews_enabled,
        Withheld.LABELLED: UNWANTED in labels,
        Withheld.FORK: fork,
        Withheld.NOT_LABELLED: project.previews_need_label and WANTED not in labels,
        Withheld.DRAFT: pull_request.draft and not project.previews_of_drafts,
    }
    return next((reason for reason, holds in held.items() if holds), None)


def why(reason: Withheld, pull_request: PullRequest) -> str:
    """`reason` for people, as it reads after "no preview:"."""
    return REASONS_GONE[Gone(pull_request.project.gone)] if reason is Withheld.GONE else REASONS[reason]


def fix(reason: Withheld, pull_request: PullRequest) -> str:
    """What people can do about it: one sentence or two."""
    return FIXES_GONE[Gone(pull_request.project.gone)] if reason is Withheld.GONE else FIXES[reason]
