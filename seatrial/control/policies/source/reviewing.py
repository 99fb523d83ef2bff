"""Reviews what pull requests would make of policies: reads the files of their commit, and runs the tests of what they change.

A review is begun in the transaction that learns of the commit. Everything else is an errand that may come again at any moment: it looks
at how far the review is. Nothing is taken from a pull request.
"""

import json
from typing import Any

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.forges.connected import Forges
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.authoring.importing import too_much
from seatrial.control.policies.authoring.standards import Found, Standard, found_in
from seatrial.control.policies.errors import PolicyError, TooManyTrials
from seatrial.control.policies.models import PolicyVersion
from seatrial.control.policies.source.models import Kept, PolicySource, SourceReview
from seatrial.control.policies.source.reading import files_at
from seatrial.control.policies.source.taking import file_row
from seatrial.control.policies.trials.drafts import Draft, of_file
from seatrial.control.policies.trials.services import run_tests, tests_state
from seatrial.control.projects.models import PullRequest
from seatrial.wire.states import EvaluationState, ResultState, TestsState, TrialState

OPEN = (EvaluationState.QUEUED, EvaluationState.RUNNING)
NEW, CHANGED, GONE, RELEASED = "new", "changed", "gone", "released"
FORK = "The tests were not run, because this comes from a fork. Whoever merges it reads the code first."
VERDICTS = {
    TestsState.PASSED: EvaluationState.PASSED,
    TestsState.FAILED: EvaluationState.FAILED,
    TestsState.ERRORED: EvaluationState.ERRORED,
}


def proposed(pull_request: PullRequest) -> None:
    """Review its newest commit, if it is to be merged into the branch of a source. Call it in a transaction. Idempotent."""
    rows = PolicySource.objects.filter(project=pull_request.project_id, branch=pull_request.base_branch)
    for source in rows:
        review, new = SourceReview.objects.get_or_create(
            source=source, pull_request=pull_request, commit=pull_request.head_sha
        )
        if not new:
            continue
        for one in source.reviews.filter(pull_request=pull_request, state__in=OPEN).exclude(pk=review.pk):
            _end(one, EvaluationState.SUPERSEDED, "A newer commit is reviewed instead.")
        outbox.instruct(Instruction.REVIEW, review=review.pk)
        outbox.instruct(Instruction.REPORT, review=review.pk)


def review(forges: Forges, body: dict[str, str]) -> None:
    """Go on with the review. No transaction is open. Idempotent. Raises ForgeError, TooManyTrials."""
    rows = SourceReview.objects.select_related(
        "source__project__connection", "source__workspace", "pull_request"
    )
    row = rows.filter(pk=body["review"], state__in=OPEN).first()
    if row is None:
        return
    if row.trial_id is None:
        project = row.source.project
        contents = forges.of(project.connection).contents(project)
        _take(row, files_at(contents, row.commit, row.source.folder))
    else:
        _judge(row)


def given_up(body: dict[str, str], why: str) -> None:
    """It could not be read, for this reason."""
    with transaction.atomic():
        row = _locked(body["review"])
        if row is not None:
            _end(row, EvaluationState.ERRORED, why)


@transaction.atomic
def _take(read: SourceReview, files: list[tuple[str, str]]) -> None:
    row = _locked(read.pk)
    if row is None or row.trial_id is not None:
        return
    if said := too_much(files):
        _end(row, EvaluationState.FAILED, said)
        return
    found = found_in(files)
    changes = [*_changes(row.source, found), *_gone(row.source, found)]
    drafts = _drafts(found, changes)
    broken = [one for path, _ in files if (one := file_row(path, found))["broken"]]
    row.found = {
        "changes": changes,
        "files": broken,
        "untested": [one.slug for one in drafts if not one.tests],
    }
    tested = [one.without_network() for one in drafts if one.tests]
    state = EvaluationState.FAILED if broken else EvaluationState.PASSED
    if not tested or read.pull_request.from_fork:
        _end(row, state, FORK if tested else "")
        return
    try:
        row.trial = run_tests(row.source.workspace, tested, by=SYSTEM)
    except TooManyTrials:
        raise  # later
    except PolicyError as error:
        _end(row, EvaluationState.ERRORED, str(error))
        return
    row.state = EvaluationState.RUNNING
    row.save()
    outbox.instruct(Instruction.REPORT, review=row.pk)


def _changes(source: PolicySource, found: Found) -> list[dict[str, Any]]:
    newest: dict[str, str] = {}
    rows = PolicyVersion.objects.filter(policy__workspace=source.workspace_id)
    for slug, digest in rows.order_by("number").values_list("policy__slug", "digest"):
        newest[slug] = digest
    released = set(source.kept.filter(standing=Kept.RELEASED).values_list("policy__slug", flat=True))
    changes = []
    for one in sorted(found.standards, key=lambda one: one.draft.slug):
        slug = one.draft.slug
        if newest.get(slug) != one.draft.digest:
            change = RELEASED if slug in released else CHANGED if slug in newest else NEW
            changes.append(_change(one, change))
    return changes


def _change(one: Standard, change: str) -> dict[str, Any]:
    return {"policy": one.draft.slug, "change": change, "path": one.file, "line": one.line}


def _gone(source: PolicySource, found: Found) -> list[dict[str, Any]]:
    """Those that no file would have any more, and none that cannot be read might have."""
    there, unreadable = {one.draft.slug for one in found.standards}, {one.file for one in found.broken}
    rows = source.kept.filter(standing=Kept.KEPT).exclude(policy__slug__in=there).exclude(path__in=unreadable)
    return [
        {"policy": slug, "change": GONE, "path": path, "line": line}
        for slug, path, line in rows.order_by("policy__slug").values_list("policy__slug", "path", "line")
    ]


def _drafts(found: Found, changes: list[dict[str, Any]]) -> list[Draft]:
    """What is new or changed, as it is tried."""
    wanted = {one["policy"] for one in changes if one["change"] != GONE}
    return [of_file(one.draft.slug, one.draft.code) for one in found.standards if one.draft.slug in wanted]


@transaction.atomic
def _judge(read: SourceReview) -> None:
    """By the tests, once they have run."""
    row = _locked(read.pk)
    trial = row.trial if row is not None else None
    if row is None or trial is None or not TrialState(trial.state).terminal:
        return
    places = {one["policy"]: one for one in row.changes}
    row.failures = [
        {
            "policy": one["slug"],
            "test": one["test"],
            "path": places[one["slug"]]["path"],
            "line": places[one["slug"]]["line"],
            "text": _said(one),
        }
        for one in trial.results
        if one.get("differences")
    ]
    state = VERDICTS[tests_state(trial)]
    _end(row, EvaluationState.FAILED if row.broken else state, trial.message)


def _said(result: dict[str, Any]) -> str:
    if result["state"] == ResultState.ERRORED:
        return str(result["message"])
    return "; ".join(
        f"{one['key']}: expected {_shown(one['expected'])}, said {_shown(one['said'])}"
        for one in result["differences"]
    )


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _locked(key: str) -> SourceReview | None:
    rows = SourceReview.objects.select_for_update(of=("self",)).select_related("source__workspace")
    return rows.filter(pk=key, state__in=OPEN).first()


def _end(row: SourceReview, state: EvaluationState, problem: str) -> None:
    row.state, row.problem, row.finished_at = state, problem, timezone.now()
    row.save()
    outbox.instruct(Instruction.REPORT, review=row.pk)
