"""A comment below a pull request came: its commands are stored, and a lane carries them out."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.forges.marker import is_ours
from seatrial.control.forges.protocol import Commented
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.models import CommandComment, Project, PullRequest
from seatrial.control.triggers.commands import read

PERIOD = timedelta(hours=1)
MOST_OF_ONE = 20  # comments with commands, of one author below one pull request, per PERIOD


def commented(project: Project, event: Commented) -> str:
    """Store the commands of a comment; returns what was done, for people. Idempotent by the comment's id at the forge.

    Nobody is answered here, and nobody is asked whether the author may give commands: that takes the forge.
    """
    commands = read(event.body)
    if not commands:
        return "ignored: no command in the comment"
    if is_ours(event.body):
        return "ignored: a comment of ours"
    pull_request = PullRequest.objects.filter(project=project, number=event.number).first()
    if pull_request is None or not event.author:
        return f"ignored: pull request {event.number} is not known"
    recent = CommandComment.objects.filter(
        pull_request=pull_request, author=event.author, created_at__gt=timezone.now() - PERIOD
    )
    if recent.count() >= MOST_OF_ONE:
        return f"ignored: more than {MOST_OF_ONE} comments with commands in an hour"
    row, made = CommandComment.objects.get_or_create(
        pull_request=pull_request,
        comment=event.comment[:100],
        defaults={
            "author": event.author[:200],
            "commands": [f"{one.text} {one.rest}".strip() for one in commands],
            "head_sha": pull_request.head_sha,
        },
    )
    if not made:
        return "ignored: the commands of this comment are known"
    outbox.instruct(Instruction.COMMAND, comment=row.pk)
    return f"commands: {', '.join(one.text for one in commands)}"
