"""Errors of requests to rebuild, stop or move a preview.

PreviewError
├── PullRequestClosed   only an open pull request may have a preview
├── LabelsTaken         some labels of hostnames belong to other previews
├── NoAddress           every name that the environment could have is taken
├── NothingToStop       the preview is gone already
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
    """The environment is terminated."""

    code = "already_stopped"


class CannotMove(PreviewError):
    """Its data is on its agent, or no other agent is suitable, or it is on no agent."""

    code = "cannot_move"
