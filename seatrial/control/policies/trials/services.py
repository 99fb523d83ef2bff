"""Trying policies: drafts and versions, on their own tests and on one commit. No forge hears of it, and nothing is counted.

Every function that makes a trial is `atomic`; an agent takes it after the caller's transaction. A trial ends by itself, in the end
with a reason why there is no result; whoever wants to know reads the row again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.errors import NothingToTry, TooManyTrials
from seatrial.control.policies.models import Policy, PolicyVersion, Trial
from seatrial.control.policies.trials import commits
from seatrial.control.policies.trials.drafts import Draft, of_version
from seatrial.control.policies.trials.feeding import OPEN
from seatrial.control.policies.trials.queueing import publish
from seatrial.control.policies.trials.replays import replayed
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.states import TestsState, TrialState

__all__ = [
    "newest_tests",
    "newest_version",
    "replayed",
    "run_tests",
    "run_tests_of",
    "try_draft",
    "try_policy",
]

MOST_AT_ONCE = 20  # trials in progress of one workspace, those of replays aside


@transaction.atomic
def try_draft(draft: Draft, project: Project, commit: str, *, by: Actor, network: bool = False) -> Trial:
    """Try code that nobody has saved on a commit, or on the newest one that is known when `commit` is empty.

    `network`: whether whoever asks may have strange code use the network, if the workspace permits it. Raises NothingToTry,
    TooManyTrials, ProjectArchived.
    """
    policy = Policy.objects.filter(workspace=project.workspace_id, slug=draft.slug).first()
    asked = draft if network else draft.without_network()
    return _on_commit(asked, project, commit, policy=policy, version=None, by=by)


@transaction.atomic
def try_policy(
    version: PolicyVersion,
    project: Project,
    commit: str,
    *,
    by: Actor,
    params: Mapping[str, Any] | None = None,
) -> Trial:
    """Try a policy's version on a commit. Otherwise like `try_draft`."""
    draft = of_version(version, params)
    return _on_commit(draft, project, commit, policy=version.policy, version=version, by=by)


@transaction.atomic
def run_tests(workspace: Workspace, drafts: Sequence[Draft], *, by: Actor) -> Trial:
    """Run the own tests of all these drafts, as one trial. Raises NothingToTry if none has tests, TooManyTrials, TooBigToTry."""
    return _of_tests(workspace, drafts, policy=None, version=None, by=by)


@transaction.atomic
def run_tests_of(version: PolicyVersion, *, by: Actor) -> Trial:
    """Run the own tests of a policy's version. Otherwise like `run_tests`."""
    policy = version.policy
    return _of_tests(policy.workspace, [of_version(version)], policy=policy, version=version, by=by)


def newest_tests(version: PolicyVersion) -> TestsState | None:
    """What the own tests of this version said when they last ran; None if it has none."""
    if not version.tests:
        return None
    trial = Trial.objects.filter(version=version, commit="").order_by("-id").first()
    return TestsState.UNTRIED if trial is None else tests_state(trial)


def tests_state(trial: Trial) -> TestsState:
    """What a trial says of the tests in it."""
    if not TrialState(trial.state).terminal:
        return TestsState.RUNNING
    if trial.state != TrialState.FINISHED:
        return TestsState.ERRORED
    failed = any(one["differences"] for one in trial.results if "differences" in one)
    return TestsState.FAILED if failed else TestsState.PASSED


def newest_version(policy: Policy) -> PolicyVersion:
    """The one that runs. Raises NothingToTry."""
    version = policy.versions.select_related("policy").order_by("-number").first()
    if version is None:
        raise NothingToTry(f"{policy.name} has no version yet.")
    return version


def _on_commit(
    draft: Draft, project: Project, commit: str, *, policy: Policy | None, version: PolicyVersion | None, by: Actor
) -> Trial:  # fmt: skip
    if project.archived_at is not None:
        raise ProjectArchived(project.name)
    found = commits.find(project, commit, live=draft.live)
    _make_room(project.workspace)
    trial = Trial.objects.create(
        workspace=project.workspace,
        policy=policy,
        version=version,
        project=project,
        pull_request=found.pull_request,
        commit=found.commit,
        base_commit=found.base_commit,
        ref=found.ref[:250],
        tried=[draft.without_tests().row()],
        by=str(by)[:200],
        begun_at=timezone.now(),
    )
    outbox.instruct(Instruction.TRIAL, trial=trial.pk)
    _record("policy.try", trial, by, {"policy": draft.slug, "project": project.pk, "commit": trial.commit})
    return trial


def _of_tests(
    workspace: Workspace, drafts: Sequence[Draft], *, policy: Policy | None, version: PolicyVersion | None, by: Actor
) -> Trial:  # fmt: skip
    tested = [draft for draft in drafts if draft.tests]
    if not tested:
        names = ", ".join(draft.slug for draft in drafts[:5])
        raise NothingToTry(
            f'{names}: no tests. Add them as TESTS = [{{"name": ..., "input": ..., "expected": ...}}].'
        )
    _make_room(workspace)
    trial = Trial.objects.create(
        workspace=workspace,
        policy=policy,
        version=version,
        tried=[draft.row() for draft in tested],
        by=str(by)[:200],
        begun_at=timezone.now(),
    )
    publish(trial, ForgeFacts())
    _record("policy.test", trial, by, {"policies": [draft.slug for draft in tested][:20]})
    return trial


def _make_room(workspace: Workspace) -> None:
    """Raises TooManyTrials. Two calls at once may both find the last place; that does no harm."""
    under_way = Trial.objects.filter(workspace=workspace, replay=None, state__in=OPEN).count()
    if under_way >= MOST_AT_ONCE:
        raise TooManyTrials(
            f"{under_way} trials of this workspace are in progress. Wait until one has ended."
        )


def _record(what: str, trial: Trial, by: Actor, details: Mapping[str, Any]) -> None:
    audit.record(what, f"trial/{trial.pk}", by=by, workspace=trial.workspace_id, details=dict(details))
