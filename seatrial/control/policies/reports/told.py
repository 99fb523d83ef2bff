"""What a report tells: one evaluation with all that belongs to it, read once, with text of others made safe to show."""

from dataclasses import dataclass

from django.conf import settings

from seatrial.control.policies.errors import NotEnded
from seatrial.control.policies.findings import findings_of
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.models import Evaluation, Policy, Result, Waiver
from seatrial.control.policies.waivers.words import why_waived
from seatrial.control.policies.weighing import is_remark
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import EvaluationState, Level, ResultState
from seatrial.wire.visible import visible_text


@dataclass(frozen=True)
class Told:
    """What one policy said."""

    policy: Policy
    version: int
    digest: str
    description: str
    state: ResultState
    level: Level
    score: float | None
    message: str
    seconds: float
    findings: list[Finding]
    left_out: int
    waived: str  # by whom, until when and why; empty if it is not
    waivers: list[Waiver]

    @property
    def is_remark(self) -> bool:
        """Whether it would fail the check, were its policy not advisory."""
        return is_remark(self.state, self.level)

    @property
    def shown_state(self) -> str:
        """Its state, and that it is a remark, as people read it."""
        return f"{self.state}, {self.level}" if self.is_remark else self.state


@dataclass(frozen=True)
class Report:
    """One evaluation that has ended."""

    evaluation: Evaluation
    page_url: str
    told: list[Told]  # by the policy's slug
    glass: str  # why it passes although something is against it, for people; empty otherwise

    def number(self, *states: ResultState) -> int:
        """How many policies ended in one of these states, without remarks."""
        return sum(one.state in states and not one.is_remark for one in self.told)


def report_of(evaluation: Evaluation) -> Report:
    """Everything that a report tells of `evaluation`; a constant number of queries. Raises NotEnded."""
    if not EvaluationState(evaluation.state).terminal:
        raise NotEnded("The evaluation has not ended. Its report can be had once it has a verdict.")
    rows = evaluation.results.select_related("version__policy").prefetch_related("waivers")
    return Report(
        evaluation=evaluation,
        page_url=f"{settings.SITE_URL}/evaluations/{evaluation.pk}",
        glass=visible_text(why_it_passes(evaluation)),
        told=[_told(row) for row in rows.order_by("version__policy__slug")],
    )


def _told(row: Result) -> Told:
    waived = row.state == ResultState.WAIVED
    return Told(
        policy=row.version.policy,
        version=row.version.number,
        digest=row.version.digest,
        description=visible_text(row.version.description),
        state=ResultState(row.state),
        level=row.level,
        score=row.score,
        message=visible_text(row.message),
        seconds=row.seconds,
        findings=[_safe(one) for one in findings_of(row)],
        left_out=row.findings_left_out,
        waived=visible_text(why_waived(row)),
        waivers=sorted(row.waivers.all(), key=lambda one: one.pk) if waived else [],
    )


def _safe(finding: Finding) -> Finding:
    """A path and a fix stay as they are: they name something, and each format writes them in its own way."""
    return finding.model_copy(update={"message": visible_text(finding.message)})
