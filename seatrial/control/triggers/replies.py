"""What is replied to commands in comments, as Markdown. What strangers wrote has no effect in it."""

from django.conf import settings

from seatrial.control.policies.markdown import block, code, plain
from seatrial.control.previews.models import Environment
from seatrial.control.previews.withheld import fix, why, withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.control.triggers.commands import MEANINGS, Command
from seatrial.wire.visible import visible_line

MOST_LINES = 50
MOST_CHARACTERS = 300  # of one line


def refusal(command: Command, reason: str) -> str:
    """Why `command` was not carried out."""
    return f"{code(command.text)}: {plain(reason, most=600)}"


def unknown(command: Command) -> str:
    """That there is no such command, and every one that can be carried out."""
    rows = "\n".join(f"- `{verb}` {meaning}" for verb, meaning in MEANINGS.items())
    return f"There is no command {code(command.text)}. There are:\n\n{rows}"


def no_preview(pull_request: PullRequest) -> str:
    """Why a pull request has no preview that a command could be about."""
    reason = withheld(pull_request) if pull_request.state == PullRequestState.OPEN else None
    if reason is None:
        return "There is no preview of this pull request."
    return f"There is no preview: {why(reason, pull_request)}. {fix(reason, pull_request)}"


def logs(environment: Environment, lines: list[str] | None) -> str:
    """The last lines that the newest deployment wrote, and where all of them are."""
    page = f"{settings.SITE_URL}/environments/{environment.pk}"
    of = f" of {code(environment.recipe)}" if environment.recipe else ""
    if not lines:
        return f"There are no log lines{of} now. [Its page]({page}) shows new ones."
    shown = [_short(visible_line(line)) for line in lines[-MOST_LINES:]]
    return f"The last lines of the preview{of} ([all of them]({page})):\n\n{block(shown)}"


def _short(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
