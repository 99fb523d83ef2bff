"""What was tried of a policy of the harbour: its tests, a commit, and a replay over two projects that goes on."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from seatrial.control.policies.models import Policy, PolicyVersion, Replay, Trial
from seatrial.wire.states import ResultState, TrialState
from tests import factories as make
from tests.dashboard.harbour import Harbour

CODE = '"""Every image has a digest."""\n\n\ndef evaluate(project):\n    return {"passed": True}\n'
TESTS = [
    {"name": name, "input": {}, "expected": {"passed": True}, "params": {}}
    for name in ("a digest passes", "a tag alone fails", "no Dockerfile at all")
]
FINDING = {
    "path": "services/harbourmaster/Dockerfile", "line": 3, "message": "builds on python:latest, which changes", "severity": "high",
    "fingerprint": "f", "fix": "",
}  # fmt: skip
REPLAYED = [  # (what is said, what the version in force says), the newest first
    ("failed", "passed"), ("failed", "failed"), ("passed", "failed"), ("errored", "passed"), *[("passed", "passed")] * 9, ("skipped", "skipped"),
]  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """The rows."""

    policy: Policy
    tests: Trial
    trial: Trial
    replay: Replay


def tried(harbour: Harbour) -> Tried:
    """Make them. Call it once."""
    first = make.policy(harbour.cast.workspace, "Images by digest")
    policy = first.policy
    newest = PolicyVersion.objects.create(
        policy=policy, number=2, code=CODE, digest=make.sha("digest"), tests=TESTS, author="alice"
    )
    return Tried(policy, _tests(newest), _trial(harbour, newest), _replay(harbour, policy, first))


def _row(key: str, state: str = "passed", **fields: Any) -> dict[str, Any]:
    return {
        "key": key, "slug": "images-by-digest", "state": state, "score": 100.0 if state == "passed" else 0.0, "message": "All images have a digest.",
        "seconds": 0.12, "memoised": False, "network": "", **fields,
    }  # fmt: skip


def _ended(version: PolicyVersion, **fields: Any) -> Trial:
    values = {
        "state": TrialState.FINISHED,
        "isolation": "runsc",
        "seconds": 0.8,
        "by": "alice",
        "agent": "a",
        **fields,
    }
    now = timezone.now()
    return Trial.objects.create(
        workspace=version.policy.workspace, policy=version.policy, version=version, begun_at=now, finished_at=now, **values
    )  # fmt: skip


def _tests(version: PolicyVersion) -> Trial:
    differing = [
        {"key": "passed", "expected": False, "said": True},
        {"key": "score", "expected": 0, "said": 100.0},
    ]
    names = [str(test["name"]) for test in TESTS]
    rows = [
        _row(version.pk, test=name, differences=differing if number == 1 else [])
        for number, name in enumerate(names)
    ]
    return _ended(version, results=rows)


def _trial(harbour: Harbour, version: PolicyVersion) -> Trial:
    said = _row(
        version.pk, "failed", message="services/harbourmaster/Dockerfile:3 builds on python:latest, which changes.", findings=[FINDING],
        logs=[{"level": "info", "message": "looked at 3 Dockerfiles"}], details={"dockerfiles": 3},
    )  # fmt: skip
    return _ended(
        version, project=harbour.project, commit=make.sha("tried"), ref="refs/heads/main", said=ResultState.FAILED, results=[said]
    )  # fmt: skip


def _replay(harbour: Harbour, policy: Policy, in_force: PolicyVersion) -> Replay:
    replay = Replay.objects.create(
        workspace=policy.workspace, policy=policy, in_force=in_force, slug=policy.slug, tried=[], commits=20, left_out=3, by="alice"
    )  # fmt: skip
    other = harbour.cast.workspace.projects.exclude(pk=harbour.project.pk).earliest("id")
    for project, said in ((harbour.project, REPLAYED), (other, REPLAYED[4:9])):
        for place, (new, old) in enumerate(said):
            _replayed(replay, project, place, new, old)
        _replayed(replay, project, len(said), "", "")
    return replay


def _replayed(replay: Replay, project: Any, place: int, new: str, old: str) -> None:
    message = (
        "Dockerfile:3 builds on python:latest, which changes."
        if new == "failed"
        else "All images have a digest."
    )
    Trial.objects.create(
        workspace=replay.workspace, replay=replay, policy=replay.policy, project=project, place=place, by="alice", commit=make.sha((project.pk, place)),
        ref="refs/heads/main", state=TrialState.FINISHED if new else TrialState.QUEUED, said=new, said_in_force=old, seconds=1.4 if new else None,
        results=[_row("new", new, message="KeyError: 'FROM'" if new == "errored" else message), _row("old", old)] if new else [],
    )  # fmt: skip
