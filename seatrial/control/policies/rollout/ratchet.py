"""New findings only: what a policy had found in a project before its ratchet was put on is known, and fails nothing."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.errors import NoRatchet
from seatrial.control.policies.models import Baseline, Evaluation, Policy, Result
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import ResultState

REF_OF_BRANCH = "refs/heads/"
JUDGED = (ResultState.PASSED, ResultState.FAILED, ResultState.WAIVED)


def known_of(fingerprints: Iterable[str], baseline: Iterable[str]) -> list[str]:
    """Those that the baseline has, in their order. One without a fingerprint is new."""
    old = set(baseline)
    return [one for one in fingerprints if one and one in old]


def shrunk(baseline: Iterable[str], found: Iterable[str]) -> list[str]:
    """What is left of a baseline where this is found now: never more than it was."""
    left = set(found)
    return [one for one in baseline if one in left]


@transaction.atomic
def put_on(policy: Policy, *, by: Actor) -> int:
    """Make known what the policy found in the newest commit of each project's default branch; returns in how many projects it
    found something. It counts from the next evaluation on. Idempotent: while it is on, baselines stay.

    Raises NoRatchet for a policy that fails somewhere without saying what all it found.
    """
    row = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if row.ratchet:
        return row.baselines.count()
    results = list(_newest(row).select_related("evaluation__project"))
    mute = [one for one in results if one.state != ResultState.PASSED and not _tells(one)]
    if mute:
        names = ", ".join(sorted(one.evaluation.project.slug for one in mute)[:5])
        raise NoRatchet(
            f"{row.name} fails in {names} without listing all that it found, so nobody can tell what is new. It has to return "
            "findings, all of them."
        )
    baselines = [
        Baseline(
            policy=row,
            project=one.evaluation.project,
            commit=one.evaluation.commit,
            fingerprints=sorted(set(fingerprints(one))),
        )
        for one in results
        if one.findings
    ]
    Baseline.objects.bulk_create(baselines)
    _switch(row, on=True, by=by, projects=len(baselines))
    return len(baselines)


@transaction.atomic
def take_off(policy: Policy, *, by: Actor) -> None:
    """Forget what is known: everything counts from the next evaluation on. Idempotent."""
    row = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if row.ratchet:
        projects, _ = row.baselines.all().delete()
        _switch(row, on=False, by=by, projects=projects)


def note_known(evaluation: Evaluation, rows: Sequence[Result]) -> bool:
    """Note on results that judged something which of their findings are known; returns whether that changed. Call it before the
    verdict is taken from them.
    """
    policies = {row.version.policy_id for row in rows if row.version.policy.ratchet}
    found = Baseline.objects.filter(project=evaluation.project_id, policy__in=policies) if policies else ()
    baselines = {one.policy_id: one.fingerprints for one in found}
    changed = False
    for row in rows:
        known = known_of(fingerprints(row), baselines.get(row.version.policy_id, ()))
        if row.known != known:
            row.known, changed = known, True
            row.save(update_fields=["known"])
    return changed


def shrink(evaluation: Evaluation) -> None:
    """Take out of the baselines what is found no more on the default branch. Call it when results are stored."""
    if evaluation.pull_request_id or evaluation.ref != REF_OF_BRANCH + evaluation.project.default_branch:
        return
    results = evaluation.results.filter(version__policy__ratchet=True, state__in=JUDGED, findings_left_out=0)
    for result in results.select_related("version"):
        rows = Baseline.objects.select_for_update(no_key=True)
        row = rows.filter(policy=result.version.policy_id, project=evaluation.project_id).first()
        left = shrunk(row.fingerprints, fingerprints(result)) if row is not None else []
        if row is not None and left != row.fingerprints:
            row.fingerprints = left
            row.save(update_fields=["fingerprints"])


def new_of(row: Result, findings: list[Finding]) -> list[Finding]:
    """Those of its findings that are not known."""
    known = set(row.known)
    return [one for one in findings if one.fingerprint not in known]


def fingerprints(row: Result) -> list[str]:
    """Of its findings, in their order."""
    return [str(one.get("fingerprint", "")) for one in row.findings]


def _tells(row: Result) -> bool:
    return bool(row.findings) and not row.findings_left_out and all(fingerprints(row))


def _newest(policy: Policy) -> QuerySet[Result]:
    """The policy's newest judgement of each project's default branch."""
    rows = Result.objects.filter(version__policy=policy, state__in=JUDGED, evaluation__pull_request=None)
    rows = rows.filter(evaluation__ref=Concat(Value(REF_OF_BRANCH), F("evaluation__project__default_branch")))
    return rows.order_by("evaluation__project", "-evaluation").distinct("evaluation__project")


def _switch(row: Policy, *, on: bool, by: Actor, projects: int) -> None:
    row.ratchet = on
    row.save(update_fields=["ratchet"])
    audit.record(
        "policy.ratchet" if on else "policy.unratchet",
        f"policy/{row.pk}",
        by=by,
        workspace=row.workspace_id,
        details={"policy": row.slug, "projects": projects},
    )
