"""The shapes of REST answers about re-scans."""

from datetime import datetime

from django.conf import settings
from ninja import Field, Schema

from seatrial.control.policies.rescans.models import Rescan, RescanTarget
from seatrial.control.policies.rescans.shown import Progress, progress


class RescanCounts(Schema):
    """How far a re-scan is, in targets: default branches and pull requests."""

    targets: int = Field(description="How many there are.")
    ended: int = Field(description="How many have ended, however.")
    passed: int = Field(description="How many were evaluated and passed.")
    failed: int = Field(description="How many failed.")
    errored: int = Field(description="How many were evaluated without a verdict.")
    skipped: int = Field(
        description="How many were not evaluated: nothing applies, overtaken, gone, unreachable or stopped."
    )


class RescanAnswer(Schema):
    """Policies run again where nothing was pushed."""

    id: str = Field(description="Its id.")
    workspace: str = Field(description="The slug of its workspace.")
    policy: str | None = Field(description="The slug of the policy it is run for; null: all policies.")
    project: str | None = Field(description="The id of its only project; null: it is about many.")
    state: str = Field(description="running, finished or stopped.")
    scheduled: bool = Field(description="Whether the project's setting made it.")
    by: str = Field(description="Who began it.")
    counts: RescanCounts = Field(description="How far it is.")
    left_out: int = Field(description="Targets that it had no room for.")
    page_url: str = Field(description="Its page.")
    created_at: datetime = Field(description="When it was begun.")
    finished_at: datetime | None = Field(description="When its last target ended; null before.")
    stopped_by: str = Field(description="Who stopped it; empty if nobody did.")


class RescanTargetAnswer(Schema):
    """A default branch or a pull request of a re-scan."""

    id: str = Field(description="Its id.")
    project: str = Field(description="The project's slug.")
    number: int | None = Field(description="The pull request's number; null: the default branch.")
    outcome: str = Field(
        description="waiting, under_way, evaluated, not_applicable, overtaken, gone, unreachable or stopped."
    )
    why: str = Field(description="What led to the outcome, for people; empty where it says enough.")
    evaluation: str | None = Field(description="The id of its evaluation; null: there is none.")
    state: str | None = Field(description="How that is or ended; null: there is none.")
    news: bool = Field(description="Whether it ended saying something else than the evaluation before it.")


def rescan_answer(row: Rescan) -> RescanAnswer:
    """The re-scan as REST shows it."""
    return RescanAnswer(
        id=row.pk,
        workspace=row.workspace.slug,
        policy=row.policy.slug if row.policy is not None else None,
        project=row.project_id,
        state=row.state,
        scheduled=row.scheduled,
        by=row.by,
        counts=_counts(progress(row)),
        left_out=row.left_out,
        page_url=f"{settings.SITE_URL}/rescans/{row.pk}",
        created_at=row.created_at,
        finished_at=row.finished_at,
        stopped_by=row.stopped_by,
    )


def target_answer(row: RescanTarget) -> RescanTargetAnswer:
    """The target as REST shows it."""
    evaluation = row.evaluation
    return RescanTargetAnswer(
        id=row.pk,
        project=row.project.slug,
        number=row.pull_request.number if row.pull_request is not None else None,
        outcome=row.outcome,
        why=row.why,
        evaluation=row.evaluation_id,
        state=evaluation.state if evaluation is not None else None,
        news=row.news,
    )


def _counts(found: Progress) -> RescanCounts:
    return RescanCounts(
        targets=found.targets,
        ended=found.ended,
        passed=found.passed,
        failed=found.failed,
        errored=found.errored,
        skipped=found.skipped,
    )
