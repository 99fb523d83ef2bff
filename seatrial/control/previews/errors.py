"""Errors of requests to rebuild, stop or move a preview, or to undo that it was stopped.

PreviewError
├── PullRequestClosed   only an open pull request may have a preview
├── LabelsTaken         some labels of hostnames belong to other previews
├── NoAddress           every name that the environment could have is taken
├── NothingToStop       the preview is stopped already, or gone
├── NothingToUndo       the preview is not stopped, or no longer kept
├── NothingToReset      the preview is stopped or gone, so that it has no data to reset
├── CannotSave          the data of the preview cannot be saved now, or never
├── NothingToExtend     the preview is stopped or gone, or lives long enough already
├── PreviewWithheld     this pull request gets no preview, for a reason that people can change
├── NothingToApprove    the pull request does not come from a fork
├── AnotherCommit       it was pushed to since somebody looked
├── NotComparable       what should be a picture of a preview is none
└── CannotMove          it must stay on its agent, or it is on none
"""

from collections.abc import Sequence

from seatrial.control.errors import ControlError


class PreviewError(ControlError):
    """The request does not fit the state of the preview."""

    code = "preview_error"
    status = 409


class PullRequestClosed(PreviewError):
    """Only an open pull request has a preview."""

    code = "pull_request_closed"


class LabelsTaken(PreviewError):
    """Some labels belong to other previews. `previews` handles this error itself."""

    code = "address_taken"

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(f"These labels are other previews': {', '.join(labels)}")
        self.labels = labels


class NoAddress(PreviewError):
    """Every name that the environment could have is taken."""

    code = "no_address"


class NothingToStop(PreviewError):
    """The environment is stopped or terminated."""

    code = "already_stopped"


class NothingToUndo(PreviewError):
    """The environment is not stopped, or its data is no longer kept."""

    code = "nothing_to_undo"


class NothingToReset(PreviewError):
    """The environment is stopped or terminated."""

    code = "nothing_to_reset"


class CannotSave(PreviewError):
    """It does not run, is being changed or saved, or is the preview of a fork."""

    code = "cannot_save"


class NothingToExtend(PreviewError):
    """The environment is stopped or terminated, or its time to live was extended enough."""

    code = "nothing_to_extend"


class NothingToPin(PreviewError):
    """The environment is stopped or terminated."""

    code = "nothing_to_pin"


class NothingToPutToSleep(PreviewError):
    """Nothing of the environment is live, or it sleeps already, or it is being deployed."""

    code = "nothing_to_put_to_sleep"


class NothingToWake(PreviewError):
    """The environment does not sleep."""

    code = "nothing_to_wake"


class PreviewWithheld(PreviewError):
    """The pull request gets no preview."""

    code = "preview_withheld"


class NothingToApprove(PreviewError):
    """The pull request does not come from a fork."""

    code = "nothing_to_approve"


class AnotherCommit(PreviewError):
    """The pull request has another commit than the one that was named."""

    code = "another_commit"


class CannotMove(PreviewError):
    """Its data is on its agent, or no other agent is suitable, or it is on no agent."""

    code = "cannot_move"


class NotComparable(PreviewError):
    """A screenshot is no picture, or larger than one may be."""

    code = "not_comparable"
