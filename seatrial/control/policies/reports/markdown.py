"""Markdown, for a chat, an issue or a merge request: the verdict, a table of policies, and what failed where."""

from collections.abc import Iterator

from seatrial.control.policies.findings import place
from seatrial.control.policies.markdown import block, code, plain
from seatrial.control.policies.reports.told import Report, Told
from seatrial.wire.states import ResultState

MOST_OF_ONE = 50  # findings of a policy that are listed
TOLD_FIRST = (ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT, ResultState.WAIVED)


def markdown(report: Report) -> str:
    """Text of others is shown as they wrote it: it is no markup, and mentions nobody."""
    return "\n".join([*_verdict(report), *_table(report), *_findings(report)]) + "\n"


def _verdict(report: Report) -> Iterator[str]:
    evaluation = report.evaluation
    score = f", score {evaluation.score:g}" if evaluation.score is not None else ""
    waived = f", {evaluation.waived} waived" if evaluation.waived else ""
    yield f"## Policies: {evaluation.state}{score}{waived}"
    yield ""
    yield f"{plain(evaluation.project.name)} at {code(evaluation.commit)} · [details]({report.page_url})"
    for said in filter(None, (report.glass, evaluation.shown_message)):
        yield ""
        yield plain(said)


def _table(report: Report) -> Iterator[str]:
    if not report.told:
        return
    yield from ("", "| Policy | Result | Score | |", "| --- | --- | ---: | --- |")
    for one in report.told:
        score = "" if one.score is None else f"{one.score:g}"
        yield f"| {code(one.policy.slug)} | {one.shown_state} | {score} | {plain(one.waived or one.message)} |"


def _findings(report: Report) -> Iterator[str]:
    for one in sorted(report.told, key=_first):
        if one.state not in TOLD_FIRST or not one.findings:
            continue
        yield from ("", f"### {plain(one.policy.name)}", "")
        yield from _listed(one)


def _listed(one: Told) -> Iterator[str]:
    for finding in one.findings[:MOST_OF_ONE]:
        where = code(place(finding)) or "the repository"
        yield f"- {where} ({finding.severity}): {plain(finding.message or one.message)}"
        if finding.fix:
            yield from ("", *(f"  {line}" for line in block(finding.fix.splitlines()).split("\n")), "")
    more = max(0, len(one.findings) - MOST_OF_ONE) + one.left_out
    if more:
        yield f"- and {more} more"


def _first(one: Told) -> tuple[int, str]:
    state = TOLD_FIRST.index(one.state) if one.state in TOLD_FIRST else len(TOLD_FIRST)
    return state, one.policy.slug
