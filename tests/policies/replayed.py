"""Replays that have ended, without an agent."""

from seatrial.control.audit.actors import Actor
from seatrial.control.policies.models import PolicyVersion
from seatrial.control.policies.trials import replays
from seatrial.control.policies.trials.drafts import of_version
from seatrial.control.policies.trials.replays import Wanted
from seatrial.wire.states import TrialState


def replayed(version: PolicyVersion, *said: str) -> None:
    """A whole replay of `version`, which said this, commit by commit; empty: no agent ran it there."""
    made = replays.replay(
        version.policy.workspace,
        of_version(version),
        version=version,
        wanted=Wanted(),
        by=Actor.person("olga"),
    )
    one = made.trials.order_by("pk")[0]
    for number, word in enumerate(said):
        one.pk = None if number else one.pk
        one.state, one.said = TrialState.FINISHED if word else TrialState.ERRORED, word
        one.save()
    made.trials.filter(state=TrialState.QUEUED).delete()
    made.state = TrialState.FINISHED
    made.save()
