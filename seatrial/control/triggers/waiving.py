"""`/policy waive POLICY [PATH] [DAYS] reason`: a comment asks for a waiver. Somebody with the role for it decides, on its page."""

import re
from dataclasses import dataclass

from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError
from seatrial.control.policies.markdown import code, plain
from seatrial.control.policies.models import Evaluation, Waiver
from seatrial.control.policies.waivers import services as waivers
from seatrial.control.policies.waivers.failures import failed_result, is_found_in
from seatrial.control.policies.waivers.force import scope_of
from seatrial.control.policies.waivers.scope import scope
from seatrial.control.policies.waivers.services import USUAL_DAYS
from seatrial.control.policies.waivers.words import page_url
from seatrial.control.projects.models import PullRequest
from seatrial.control.triggers.commands import Verb
from seatrial.wire.counted import counted
from seatrial.wire.states import EvaluationState

# A word that is a path: in backticks, with a slash in it (a folder has one at its end), or with an ending.
_PATH = r"(?:`(?P<quoted>[^`]+)`|(?P<bare>[^\s`]*/[^\s`]*|[^\s`]*[^\s`.]\.[A-Za-z0-9]+))"
_ASKED = re.compile(
    rf"`?(?P<policy>[^\s`]+)`?(?:\s+{_PATH}(?=\s|$))?(?:\s+(?P<days>\d{{1,4}})(?:d|\s+days?)(?=[\s:,]|$)[:,]?)?(?:\s+(?P<reason>.*))?"
)
MOST = 2_000  # characters that are read
HOW = f"Write it like this: {Verb.WAIVE} no-secrets docs/example.env 14d why it does not matter. The path and the days may be missing."


class CannotWaive(ControlError):
    """What was written asks for no waiver that there could be; the message is the reply."""

    code = "cannot_waive"
    status = 400


@dataclass(frozen=True)
class Asked:
    """What a comment asks for."""

    policy: str
    path: str
    days: int
    reason: str


def read(text: str) -> Asked:
    """What follows `/policy waive`. Raises CannotWaive."""
    match = _ASKED.fullmatch(text) if len(text) <= MOST else None
    if match is None:
        raise CannotWaive(f"Which policy, and why? {HOW}")
    reason = (match["reason"] or "").strip()
    if not reason:
        raise CannotWaive(f"Say why: a waiver needs a reason. {HOW}")
    days = int(match["days"]) if match["days"] else USUAL_DAYS
    return Asked(match["policy"].rstrip(",:"), match["quoted"] or match["bare"] or "", days, reason)


def request(text: str, pull_request: PullRequest, *, author: str, by: Actor) -> str:
    """Ask for the waiver, and return what is to be replied. Raises ControlError, whose message is replied.

    The policy must have failed in the verdict that the pull request has now, and at the path, if one is named.
    """
    asked = read(text)
    result = failed_result(_verdict(pull_request), asked.policy)
    covered = scope(asked.path, "")
    if covered.path and not is_found_in(result, covered.path):
        raise CannotWaive(
            f"{asked.policy} found nothing in {covered.path}, as far as it says where. Name a file or folder of its findings, "
            "or leave the path out to ask for the whole policy."
        )
    row = waivers.request(
        pull_request.project,
        asked.policy,
        scope=covered,
        reason=asked.reason,
        days=asked.days,
        by=by,
        person=None,
        login=author,
    )
    return _reply(row, asked.days)


def _verdict(pull_request: PullRequest) -> Evaluation:
    rows = Evaluation.objects.filter(pull_request=pull_request).exclude(state=EvaluationState.SUPERSEDED)
    newest = rows.select_related("project").order_by("-id").first()
    if newest is None or not EvaluationState(newest.state).terminal:
        raise CannotWaive("The policies have not all run yet. Ask again when there is a verdict.")
    return newest


def _reply(row: Waiver, days: int) -> str:
    covered = scope_of(row)
    what = f"{code(row.version.policy.slug)}" + ("" if covered.whole else f" in {code(str(covered))}")
    team = plain(row.project.workspace.name)
    return (
        f"Asked for a waiver of {what} for {counted(days, 'day')}. It waives nothing yet: an owner or admin of {team} at "
        f"Seatrial, who is not you, approves or rejects it on [its page]({page_url(row)})."
    )
