"""A verdict as forges show it: Markdown, and annotations of lines."""

from collections.abc import Iterator

from django.conf import settings

from seatrial.control.forges.protocol import Annotation
from seatrial.control.policies.findings import findings_of
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.markdown import code, plain
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.waivers.words import why_waived
from seatrial.wire.counted import counted
from seatrial.wire.states import EvaluationState, Level, ResultState
from seatrial.wire.visible import visible_text
from seatrial.wire.words import EventKind

RESULTS_FIRST = (ResultState.FAILED, ResultState.ERRORED)
MOST_ANNOTATIONS = 500


def verdict(evaluation: Evaluation) -> Iterator[str]:
    """Lines of Markdown: the state, why there is no verdict, and a table with one row per policy."""
    page = f"{settings.SITE_URL}/evaluations/{evaluation.pk}"
    score = f", score {evaluation.score:.0f}" if evaluation.score is not None else ""
    yield ""
    waived = f", {evaluation.waived} waived" if evaluation.waived else ""
    remarks = f", {counted(evaluation.remarks, 'remark')}" if evaluation.remarks else ""
    what = "Floats" if evaluation.event == EventKind.PREVIEW else "Policies"
    yield f"**{what}: {evaluation.state}{score}{waived}{remarks}** ({code(evaluation.commit[:10])}) · [details]({page})"
    if evaluation.glass is not None:
        yield f"<br>{plain(why_it_passes(evaluation), most=1200)}"
    if evaluation.shown_message:
        yield f"<br>{plain(evaluation.shown_message)}"
    results = _results(evaluation)
    if results:
        yield ""
        yield "| Policy | Result | Score | |"
        yield "| --- | --- | ---: | --- |"
        yield from (_row(one) for one in results)


def annotations(evaluation: Evaluation) -> list[Annotation]:
    """What policies found at lines of files, always in the same order; nothing before there is a verdict."""
    if not EvaluationState(evaluation.state).terminal:
        return []
    found = [one for result in _results(evaluation) for one in _of_result(result)]
    return found[:MOST_ANNOTATIONS]


def _of_result(result: Result) -> Iterator[Annotation]:
    for finding in findings_of(result):
        if finding.line is None:
            continue
        yield Annotation(
            path=finding.path,
            line=finding.line,
            title=result.version.policy.slug,
            message=visible_text(finding.message or result.message),
            failed=result.state in RESULTS_FIRST and result.level.gates,
        )


def _results(evaluation: Evaluation) -> list[Result]:
    return sorted(
        Result.objects.filter(evaluation=evaluation)
        .select_related("version__policy", "evaluation")
        .prefetch_related("waivers"),
        key=lambda one: (one.state not in RESULTS_FIRST, not one.level.gates, one.version.policy.slug),
    )


def _row(result: Result) -> str:
    score = "" if result.score is None else f"{result.score:.0f}"
    said = why_waived(result) or result.message
    said = f"{said} ({result.ran_with})" if result.ran_with else said
    begins = f" for what was opened before {result.begins:%Y-%m-%d}" if result.begins else ""
    begins = ": all that it found is known" if result.all_known else begins
    state = result.state if result.level is Level.SOFT else f"{result.state} ({result.level}{begins})"
    return f"| {code(result.version.policy.slug)} | {state} | {score} | {plain(said)} |"
