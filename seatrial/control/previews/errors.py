"""Errors of requests to rebuild, stop or move a preview.

PreviewError
├── PullRequestClosed   only an open pull request may have a preview
├── NothingToStop       the preview is gone already
└── CannotMove          it must stay on its agent, or it is on none
"""

from seatrial.control.errors import ControlError


class PreviewError(ControlError):
    """The request does not fit the state of the preview."""

    code = "preview_error"
    status = 409


class PullRequestClosed(PreviewError):
    """Only an open pull request has a preview."""

    code = "pull_request_closed"


class NothingToStop(PreviewError):
    """The environment is terminated."""

    code = "already_stopped"


class CannotMove(PreviewError):
    """Its data is on its agent, or no other agent is suitable, or it is on no agent."""

    code = "cannot_move"
