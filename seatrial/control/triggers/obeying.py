"""Carries out what a comment asks for, if the forge confirms that its author may write, and answers at the forge."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.protocol import Commented, CommentReport, HostedForge
from seatrial.control.policies import services as policies
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.previews import services as previews
from seatrial.control.previews.approving import approve
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.newest import newest_by_recipe
from seatrial.control.previews.recipes import recipes
from seatrial.control.projects.models import CommandComment, Project, PullRequest, PullRequestState
from seatrial.control.triggers import replies, waiving
from seatrial.control.triggers.commands import Command, Verb, understood

LastLines = Callable[[Deployment], list[str]]
Lines = Mapping[str, list[str]]  # by recipe
Result = TypeVar("Result")
REFUSED_FOR = timedelta(minutes=10)  # who may not write is not asked about again
ANSWERED_PERIOD = timedelta(hours=1)
MOST_REFUSALS = 5  # reactions below one pull request per ANSWERED_PERIOD, to people who may not write


class CannotObey(ControlError):
    """A command that cannot be carried out; the message is the reply."""

    code = "cannot_obey"
    status = 409


class NoSuchCommand(ControlError):
    """The reply lists those that there are."""

    code = "no_such_command"
    status = 404


def obey(forges: Forges, last_lines: LastLines, body: dict[str, str]) -> None:
    """Carry out the commands of the comment in `body`, once, and answer with a reaction and at most one reply.

    Whoever the forge does not confirm gets a reaction and nothing else, and not every time. What was carried out is stored
    with it; if only the answer fails, only the answer is repeated. Idempotent. No transaction is open while the forge or the
    bus is asked. Raises ForgeError.
    """
    rows = CommandComment.objects.select_related("pull_request__project__connection")
    row = rows.filter(pk=body["comment"], pull_request__project__archived_at=None).first()
    if row is None or row.pull_request.project.gone:
        return
    forge = forges.of(row.pull_request.project.connection)
    if not isinstance(forge, HostedForge):
        return
    if row.done_at is None:
        if forge.account().login.casefold() == row.author.casefold():
            return  # our own comments give no commands
        allowed = _allowed(forge, row)
        lines = _lines(row, last_lines) if allowed else {}
        _carry_out(row, allowed, lines)
        row.refresh_from_db(fields=["done_at", "allowed", "obeyed", "reply"])
    _answer(forge, row)


def _allowed(forge: HostedForge, row: CommandComment) -> bool:
    project = row.pull_request.project
    refused = CommandComment.objects.filter(
        pull_request__project=project,
        author=row.author,
        allowed=False,
        done_at__gt=timezone.now() - REFUSED_FOR,
    )
    return not refused.exists() and forge.may_write(project, row.author)


def _lines(row: CommandComment, last_lines: LastLines) -> Lines:
    """What the preview by each recipe wrote last, if a command asks for it."""
    if not any(command.verb is Verb.LOGS for command in _commands(row)):
        return {}
    deployments = Deployment.objects.exclude(agent=None).select_related("environment")
    newest = newest_by_recipe(deployments, row.pull_request)
    return {one.environment.recipe: last_lines(one) for one in newest}


@refs_are_matched
@transaction.atomic
def _carry_out(row: CommandComment, allowed: bool, lines: Lines) -> None:
    # The project first, as events of the forge lock it before its pull requests
    Project.objects.select_for_update(no_key=True).get(pk=row.pull_request.project_id)
    current = CommandComment.objects.select_for_update().get(pk=row.pk)
    if current.done_at is not None:
        return
    said: list[str] = []
    obeyed = allowed
    for command in _commands(row) if allowed else ():
        try:
            with transaction.atomic():
                reply = _one(command, row, lines)
        except NoSuchCommand:
            obeyed, reply = False, replies.unknown(command)
        except ControlError as error:
            obeyed, reply = False, replies.refusal(command, str(error))
        said += [reply] if reply else []
    current.done_at, current.allowed, current.obeyed = timezone.now(), allowed, obeyed
    current.reply = "\n\n".join(said)
    current.save(update_fields=["done_at", "allowed", "obeyed", "reply"])


def _one(command: Command, row: CommandComment, lines: Lines) -> str:
    """Carry out one command, and return what is to be replied. Raises ControlError, whose message is replied."""
    pull_request = PullRequest.objects.select_related("project__connection").get(pk=row.pull_request_id)
    by = Actor.commenter(row.author, connection=pull_request.project.connection.name)
    if command.verb is None:
        raise NoSuchCommand
    if command.too_much:
        raise CannotObey(f"Nothing may follow {command.verb}, and a comment can have several lines.")
    match command.verb:
        case Verb.REBUILD:
            _each(pull_request, partial(previews.rebuild, by=by))
        case Verb.STOP:
            _each(pull_request, partial(previews.stop, by=by))
        case Verb.EXTEND:
            until = min(_each(pull_request, partial(previews.extend, by=by)))
            return f"The preview lives until {until:%Y-%m-%d %H:%M} UTC without a new commit."
        case Verb.LOGS:
            found = _environments(pull_request)
            return "\n\n".join(replies.logs(one, lines.get(one.recipe)) for one in found)
        case Verb.APPROVE:
            approve(pull_request, commit=_approved(command, row), by=by)
        case Verb.RERUN:
            _rerun(pull_request, by)
        case Verb.WAIVE:
            return waiving.request(command.rest, pull_request, author=row.author, by=by)
    return ""


def _approved(command: Command, row: CommandComment) -> str:
    """The commit that is meant: the one that is named, else the newest when the comment was written."""
    named = command.rest.strip("`").lower()
    if not named:
        return row.head_sha
    if len(named) < 7 or not row.head_sha.startswith(named):
        raise CannotObey(
            f"The pull request was at {row.head_sha[:10]} when this was written. Read that commit, and write "
            f"{Verb.APPROVE} {row.head_sha[:10]}."
        )
    return row.head_sha


def _rerun(pull_request: PullRequest, by: Actor) -> None:
    if pull_request.state == PullRequestState.CLOSED:
        raise CannotObey("The pull request is closed. Reopen it to have its policies run.")
    if policies.rerun(pull_request, by=by) is None:
        raise CannotObey("No policy applies to this pull request.")


def _each(pull_request: PullRequest, act: Callable[[Environment], Result]) -> list[Result]:
    """What `act` returns for the pull request's preview by each recipe. Where it cannot be done for one of them, it is done for
    the others. Raises ControlError if it can be done for none."""
    done: list[Result] = []
    refused: list[ControlError] = []
    for environment in _environments(pull_request):
        try:
            with transaction.atomic():
                done.append(act(environment))
        except ControlError as error:
            refused.append(error)
    if not done:
        raise refused[0]
    return done


def _environments(pull_request: PullRequest) -> list[Environment]:
    """The newest by each recipe of the project, of which there is one at least. Raises CannotObey."""
    rows = Environment.objects.filter(pull_request=pull_request, recipe__in=recipes(pull_request.project))
    newest = list(rows.order_by("recipe", "-id").distinct("recipe"))
    if not newest:
        raise CannotObey(replies.no_preview(pull_request))
    return newest


def _commands(row: CommandComment) -> list[Command]:
    return [command for line in row.commands if (command := understood(line)) is not None]


def _answer(forge: HostedForge, row: CommandComment) -> None:
    if row.allowed is False and _refusals_before(row) >= MOST_REFUSALS:
        return
    project, number = row.pull_request.project, row.pull_request.number
    comment = Commented(
        external_id=project.external_id, number=number, comment=row.comment, author=row.author, body=""
    )
    forge.acknowledge(project, comment, done=row.obeyed)
    if row.reply:
        report = CommentReport(number=number, body=row.reply, mark=f"reply-{row.comment}")
        forge.report_comment(project, report)


def _refusals_before(row: CommandComment) -> int:
    refused = CommandComment.objects.filter(pull_request=row.pull_request_id, allowed=False, id__lt=row.pk)
    return refused.filter(created_at__gt=timezone.now() - ANSWERED_PERIOD).count()
