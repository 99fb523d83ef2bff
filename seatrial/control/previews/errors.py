"""What can go wrong when somebody asks something of a preview.

PreviewError
├── PullRequestClosed   nothing may run for it any more
├── NoAddress           every address that it could have is another preview's
├── NothingToStop       the preview is gone already
└── CannotMove          it has to stay where it is, or nothing of it is anywhere
"""

from seatrial.control.errors import ControlError


class PreviewError(ControlError):
    """What was asked does not go with the state of the preview."""

    code = "preview_error"
    status = 409


class PullRequestClosed(PreviewError):
    """Only an open pull request has a preview."""

    code = "pull_request_closed"


class NoAddress(PreviewError):
    """Every label that it could have is taken."""

    code = "no_address"


class NothingToStop(PreviewError):
    """The environment is terminated."""

    code = "already_stopped"


class CannotMove(PreviewError):
    """Its data is where it is, or no other agent is suitable, or there is nothing to move."""

    code = "cannot_move"
