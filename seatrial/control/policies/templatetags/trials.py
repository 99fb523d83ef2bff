"""How trials look, and what the part of a policy's page that tries it needs."""

from typing import Any

from django import template

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.dashboard.states import Face, Tone, face
from seatrial.control.policies import findings
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.trials.models import Trial
from seatrial.control.policies.trials.services import newest_tests
from seatrial.control.policies.trials.shown import projects_of
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import TrialState

register = template.Library()
KINDS = {
    "newly_failing": Face(Tone.BAD, "circle-x", "Newly failing"),
    "newly_passing": Face(Tone.GOOD, "circle-check", "Newly passing"),
    "errored": Face(Tone.WAITING, "circle-x", "Errored"),
    "not_run": Face(Tone.GONE, "circle-minus", "Not run"),
}


@register.filter
def trial_face(state: str) -> Face:
    """The face of a trial's state. `running` needs its own: for an environment, it means that all is well."""
    return Face(Tone.WAITING, "clock", "Running") if state == TrialState.RUNNING else face(state)


@register.filter
def outcome_face(trial: Trial, state: str) -> Face:
    """Of a trial on a commit, what the policy said, once it has; else how the trial is."""
    return trial_face(state) if trial.of_tests or not trial.said else face(trial.said)


@register.filter
def kind_face(kind: str) -> Face:
    """The face of what a replay says of a commit."""
    return KINDS[kind]


@register.filter
def found_in(row: dict[str, Any]) -> list[Finding]:
    """The findings of a trial's result."""
    return findings.parsed(row.get("findings", []))


@register.filter
def shown_value(value: Any) -> str:
    """One side of a difference, as people read it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    return f"{value:g}" if isinstance(value, int | float) else str(value)


@register.simple_tag(takes_context=True)
def try_of(context: template.Context, policy: Policy) -> dict[str, Any]:
    """What the part of the page shows."""
    user = context["request"].user
    # Not by `policy.versions`, of which a page may have fetched only some
    version = PolicyVersion.objects.filter(policy=policy).order_by("-number").first()
    return {
        "tests_state": newest_tests(version) if version is not None else None,
        "tests": version.tests if version is not None else [],
        "may_try": allowed(user, Action.TRY_POLICY, policy),
        "projects": projects_of(user, policy),
    }
