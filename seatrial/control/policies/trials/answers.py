"""Trials and replays as programs see them."""

from datetime import datetime
from typing import Any

from django.conf import settings
from ninja import Field, Schema

from seatrial.control.policies.answers import FindingAnswer, ToolAnswer
from seatrial.control.policies.models import Replay, Trial
from seatrial.control.policies.trials.services import tests_state
from seatrial.control.policies.trials.summaries import Counts, summary

STATES = "queued, running, finished, errored (there is no result) or cancelled."


class TrialDifference(Schema):
    """Where a result is not what its test expects."""

    key: str = Field(description="Of the result: passed, score, state, message, findings or details.")
    expected: Any = Field(description="What the test expects.")
    said: Any = Field(description="What the policy answered.")


class TriedAnswer(Schema):
    """What one policy said, of the commit or in one of its tests."""

    policy: str = Field(description="The policy's slug.")
    test: str = Field(description="The test's name; empty for a result on the commit.")
    agrees: bool | None = Field(description="Whether it is what its test expects; null on the commit.")
    differences: list[TrialDifference] = Field(description="Where it is not; empty on the commit.")
    state: str = Field(description="passed, failed, errored, timed_out or skipped.")
    score: float | None = Field(description="0 to 100; null where it has none.")
    message: str = Field(description="What the policy says, for people.")
    details: dict[str, Any] = Field(description="What the policy adds, for programs; empty in a replay.")
    findings: list[FindingAnswer] = Field(description="What it found, in its order; empty in a replay.")
    findings_left_out: int = Field(description="How many more it found than are listed.")
    logs: list[dict[str, Any]] = Field(description="What the policy logged, in order; empty in a replay.")
    seconds: float = Field(description="How long it ran.")
    memoised: bool = Field(description="Whether it is remembered from an earlier run.")
    network: str = Field(description="The network that it ran with, by its name; empty if it had none.")
    tools: list[ToolAnswer] = Field(description="The tools that it had facts of, by name.")


class TrialAnswer(Schema):
    """Policies that were run once: on a commit, or on their own tests. It counts nowhere, and no code host hears of it."""

    id: str = Field(description="Its id.")
    policy: str | None = Field(description="Id of the policy; null for code of which no policy has the name.")
    version: str | None = Field(description="Id of the version; null for code that nobody has saved.")
    project: str | None = Field(description="Id of the project; null for tests.")
    commit: str = Field(description="The commit; empty for tests.")
    state: str = Field(description=STATES)
    tests: str | None = Field(
        description="What its tests say together: running, passed, failed or errored; null on a commit."
    )
    message: str = Field(description="Why there is no result, or not of everything, for people.")
    isolation: str = Field(description="What it ran in: runsc, runc or process; empty until it is known.")
    seconds: float | None = Field(description="How long an agent was at it; null until it has ended.")
    by: str = Field(description="Who asked for it.")
    page_url: str = Field(description="Its page on this server.")
    results: list[TriedAnswer] = Field(description="What was said; all at once, when it has ended.")


class CountsAnswer(Schema):
    """Of the commits of a replay, or of one project in it."""

    commits: int = Field(description="All of them.")
    passed: int = Field(description="Those that passed.")
    failed: int = Field(description="Those that failed.")
    errored: int = Field(description="Those where the policy broke or took too long.")
    skipped: int = Field(description="Those that have none of the policy's languages.")
    not_run: int = Field(description="Those that could not be looked at, for want of a sandbox or a commit.")
    waiting: int = Field(description="Those that have no result yet.")
    newly_failing: int = Field(description="Failed ones that do not fail by the version in force.")
    newly_passing: int = Field(description="Passed ones that fail by the version in force.")
    error_rate: float = Field(description="Errors in all that the policy answered, from 0 to 1.")
    seconds: float = Field(description="That agents were busy with them.")


class ReplayedProject(Schema):
    """One project in a replay."""

    project: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    counts: CountsAnswer = Field(description="Of its commits.")


class ReplayAnswer(Schema):
    """One policy on many commits, beside the version in force. Nobody is notified of it."""

    id: str = Field(description="Its id.")
    policy: str = Field(description="The policy's slug.")
    version: str | None = Field(description="Id of the version; null for code that nobody has saved.")
    in_force: str | None = Field(description="Id of the version in force that it is compared with, if any.")
    state: str = Field(description=STATES)
    message: str = Field(description="Why it ended early, for people.")
    left_out: int = Field(description="Commits that it had no room for.")
    by: str = Field(description="Who asked for it.")
    created_at: datetime = Field(description="When.")
    finished_at: datetime | None = Field(description="When it ended; null until then.")
    page_url: str = Field(description="Its page on this server.")
    counts: CountsAnswer = Field(description="Of all its commits.")
    projects: list[ReplayedProject] = Field(description="Of each project, by name.")


def trial_answer(trial: Trial) -> TrialAnswer:
    """The trial as REST shows it."""
    return TrialAnswer(
        id=trial.pk,
        policy=trial.policy_id,
        version=trial.version_id,
        project=trial.project_id,
        commit=trial.commit,
        state=trial.state,
        tests=tests_state(trial) if trial.of_tests else None,
        message=trial.message,
        isolation=trial.isolation,
        seconds=trial.seconds,
        by=trial.by,
        page_url=f"{settings.SITE_URL}/trials/{trial.pk}",
        results=[_tried(row) for row in trial.results],
    )


def replay_answer(replay: Replay) -> ReplayAnswer:
    """The replay as REST shows it, as far as it is."""
    found = summary(replay)
    return ReplayAnswer(
        id=replay.pk,
        policy=replay.slug,
        version=replay.version_id,
        in_force=replay.in_force_id,
        state=replay.state,
        message=replay.message,
        left_out=replay.left_out,
        by=replay.by,
        created_at=replay.created_at,
        finished_at=replay.finished_at,
        page_url=f"{settings.SITE_URL}/replays/{replay.pk}",
        counts=_counts(found.whole),
        projects=[
            ReplayedProject(project=key, name=name, counts=_counts(one)) for key, name, one in found.projects
        ],
    )


def _tried(row: dict[str, Any]) -> TriedAnswer:
    found = row.get("differences")
    return TriedAnswer(
        policy=row["slug"],
        test=row.get("test", ""),
        agrees=None if found is None else not found,
        differences=[TrialDifference(**one) for one in found or []],
        state=row["state"],
        score=row["score"],
        message=row["message"],
        details=row.get("details", {}),
        findings=[FindingAnswer(**one) for one in row.get("findings", [])],
        findings_left_out=row.get("findings_left_out", 0),
        logs=row.get("logs", []),
        seconds=row["seconds"],
        memoised=row["memoised"],
        network=row["network"],
        tools=[ToolAnswer(**one) for one in row.get("tools", [])],
    )


def _counts(one: Counts) -> CountsAnswer:
    return CountsAnswer(
        commits=one.commits,
        passed=one.passed,
        failed=one.failed,
        errored=one.errored,
        skipped=one.skipped,
        not_run=one.not_run,
        waiting=one.waiting,
        newly_failing=one.newly_failing,
        newly_passing=one.newly_passing,
        error_rate=round(one.error_rate, 3),
        seconds=one.seconds,
    )
