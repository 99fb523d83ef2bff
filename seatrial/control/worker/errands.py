"""The errands of the lanes, and the tasks that forges have every worker do."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial

import structlog

from seatrial.control.configuration import Configuration
from seatrial.control.fleet import revocation
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.deliveries import missed
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.registration import WorkerTask
from seatrial.control.forges.registry import FORGES
from seatrial.control.forges.urgency import Urgency, asking
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.notices import delivering
from seatrial.control.policies.rescans import carrying_out
from seatrial.control.policies.scores.taking import take
from seatrial.control.policies.signing.services import attest
from seatrial.control.policies.source import reviewing
from seatrial.control.policies.source.taking import sync
from seatrial.control.policies.trials import queueing as trials_queue
from seatrial.control.triggers.checks import carry_out
from seatrial.control.triggers.comments import comment
from seatrial.control.triggers.confirming import confirm, confirm_given_up, confirm_waits
from seatrial.control.triggers.facts import facts_given_up, facts_wait, take_facts
from seatrial.control.triggers.floating import float_preview
from seatrial.control.triggers.following import follow
from seatrial.control.triggers.last_lines import last_lines
from seatrial.control.triggers.looking import preview_of_trial
from seatrial.control.triggers.obeying import obey
from seatrial.control.triggers.reports import report
from seatrial.control.worker.aside import Errand
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away
from seatrial.control.worker.wakeups import Wakeups

log = structlog.get_logger(__name__)

# After this time, a report that the forge does not take is out of date.
REPORT_KEPT = timedelta(days=1)
# People may take days to give a credential what it lacks. The hourly look asks again in any case.
WEBHOOK_KEPT = timedelta(hours=1)
# Longer than it takes until any forge's budget is full again.
FACTS_KEPT = timedelta(hours=2)
# Somebody waits for a trial, and would rather try again than wait for long.
TRIAL_KEPT = timedelta(minutes=10)
# About a minute: each failure waits twice as long as the one before.
CONFIRM_TRIES = 6
# After this time, whoever is to be told has found out by themselves.
NOTICE_KEPT = timedelta(days=1)
# Every source is looked at again after this time in any case.
SOURCE_KEPT = timedelta(minutes=5)
# Whoever opened the pull request would rather push again than wait for longer.
REVIEW_KEPT = timedelta(hours=1)
# Few targets are under way at a time: a code host that is away must not hold up those of the others.
RESCAN_KEPT = timedelta(minutes=5)
# Nobody expects an answer to a comment of yesterday.
COMMAND_KEPT = timedelta(hours=2)


def reports(forges: Forges) -> Errand:
    """Report previews and verdicts to forges."""
    return Errand(instruction=Instruction.REPORT, act=partial(report, forges), kept=REPORT_KEPT)


def comments(forges: Forges) -> Errand:
    """Write our comments below pull requests."""
    return Errand(instruction=Instruction.COMMENT, act=partial(comment, forges), kept=REPORT_KEPT)


def checks(forges: Forges) -> Errand:
    """Do what people asked for at reports, if their forge says that they may."""
    return Errand(instruction=Instruction.CHECK, act=partial(carry_out, forges), kept=REPORT_KEPT)


def webhooks(forges: Forges) -> Errand:
    """Make, correct and remove webhooks at forges."""
    return Errand(
        instruction=Instruction.WEBHOOK,
        act=partial(_settle, forges),
        urgency=Urgency.LOOK,
        kept=WEBHOOK_KEPT,
        waits=hooks.waits,
        given_up=hooks.waits,
    )


def _settle(forges: Forges, body: dict[str, str]) -> None:
    """Whatever happens while missed deliveries are read, the webhook is put right."""
    try:
        missed.before_anew(forges, body)
    except ForgeError as error:
        log.debug("missed deliveries not read", project=body["project"], why=str(error))
    except Exception as error:
        if database_away(error):
            raise
        log.exception("missed deliveries not read", project=body["project"])
    hooks.settle(forges, body)


def facts(forges: Forges) -> Errand:
    """Fetch from forges the facts that evaluations wait for."""
    return Errand(
        instruction=Instruction.FACTS,
        act=partial(take_facts, forges),
        urgency=Urgency.FACTS,
        kept=FACTS_KEPT,
        waits=facts_wait,
        given_up=facts_given_up,
    )


def confirmations(forges: Forges) -> Errand:
    """Ask forges about pull requests before their deployments start."""
    return Errand(
        instruction=Instruction.CONFIRM,
        act=partial(confirm, forges),
        tries=CONFIRM_TRIES,
        waits=confirm_waits,
        given_up=confirm_given_up,
    )


def commands(forges: Forges) -> Errand:
    """Carry out commands in comments."""
    return Errand(instruction=Instruction.COMMAND, act=partial(obey, forges, last_lines), kept=COMMAND_KEPT)


def trials(forges: Forges) -> Errand:
    """Fetch facts for trials, and hand them to agents."""
    return Errand(
        instruction=Instruction.TRIAL,
        act=partial(trials_queue.take_facts, forges, look=preview_of_trial),
        urgency=Urgency.LOOK,
        kept=TRIAL_KEPT,
        given_up=trials_queue.facts_given_up,
    )


def follows() -> Errand:
    """Have previews follow the settings of their projects. No forge is asked."""
    return Errand(instruction=Instruction.FOLLOW, act=follow)


def floats() -> Errand:
    """Have live policies look at previews. No forge is asked."""
    return Errand(instruction=Instruction.FLOAT, act=float_preview)


def scores() -> Errand:
    """Take scores of projects whose verdicts changed. No forge is asked."""
    return Errand(instruction=Instruction.SCORE, act=_score)


def _score(body: dict[str, str]) -> None:
    take(body["project"])


def signatures() -> Errand:
    """Sign results. No forge is asked."""
    return Errand(instruction=Instruction.SIGN, act=_sign)


def _sign(body: dict[str, str]) -> None:
    attest(body["evaluation"])


def notices() -> Errand:
    """Tell other addresses. No forge is asked."""
    return Errand(
        instruction=Instruction.NOTICE,
        act=delivering.deliver,
        kept=NOTICE_KEPT,
        waits=delivering.waits,
        given_up=delivering.given_up,
    )


def policy_sources(forges: Forges) -> Errand:
    """Look at the branches in which workspaces keep their policies."""
    return Errand(
        instruction=Instruction.POLICIES,
        act=partial(sync, forges),
        urgency=Urgency.LOOK,
        kept=SOURCE_KEPT,
    )


def policy_reviews(forges: Forges) -> Errand:
    """Review the policies that pull requests would change. Somebody waits there."""
    return Errand(
        instruction=Instruction.REVIEW,
        act=partial(reviewing.review, forges),
        kept=REVIEW_KEPT,
        given_up=reviewing.given_up,
    )


def rescans(forges: Forges) -> Errand:
    """Evaluate what is newest at targets of re-scans, after everything else that forges are asked."""
    return Errand(
        instruction=Instruction.RESCAN,
        act=partial(carrying_out.carry_out, forges),
        urgency=Urgency.LOOK,
        kept=RESCAN_KEPT,
        given_up=carrying_out.given_up,
    )


def revocations(configuration: Configuration) -> Errand:
    """Cut off users of the bus. Never given up."""
    return Errand(instruction=Instruction.REVOKE, act=partial(_revoke, configuration))


def _revoke(configuration: Configuration, body: dict[str, str]) -> None:
    """Revoke a key, over a connection of its own."""
    asyncio.run(revocation.revoke(configuration, body["public_key"]))


def forge_tasks() -> Iterator[WorkerTask]:
    """The tasks of every registered forge."""
    for forge in FORGES.values():
        yield from forge.tasks


def looped(task: WorkerTask, threads: Database, wakeups: Wakeups) -> Callable[[], Awaitable[None]]:
    """Turn a forge's task into a function that runs for ever. Its requests are the least urgent ones."""
    act = task.make()

    async def run() -> None:
        woken = wakeups.waiter(task.channel)
        while True:
            with asking(Urgency.LOOK):
                await threads.run(act)
            await woken.wait(task.seconds)

    return run
