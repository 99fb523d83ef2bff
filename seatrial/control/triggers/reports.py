"""Reports to forges: always the current state of the rows, whatever event led here, and with no transaction open.

Whoever protects a branch may require both names, so each gets its conclusion where there is nothing to do, too: see
`said_of`, and below a commit that no policy applies to.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Told
from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport, HostedForge, Subject
from seatrial.control.forges.telling import begun, tell_deployment, tell_evaluation, tell_preview, unfinished
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.current import floats, inspections, newest_of
from seatrial.control.policies.floats import wanted as floats_wanted
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.rescans.telling import told_as
from seatrial.control.policies.rollout.words import what_is_remarked
from seatrial.control.policies.source.telling import report_queued, report_review, report_reviews
from seatrial.control.policies.waivers.words import what_is_waived
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.newest import newest_by_recipe
from seatrial.control.previews.recipes import recipes
from seatrial.control.previews.routes import urls
from seatrial.control.previews.withheld import withheld
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.control.triggers.said_of import preview_of, state_of
from seatrial.control.triggers.verdict import annotations, verdict
from seatrial.wire.states import EnvironmentState, EvaluationState
from seatrial.wire.words import EventKind

# To the forge, a stop that can be undone is one like any other.
OVER = (EnvironmentState.STOPPED, EnvironmentState.TERMINATED)


def report(forges: Forges, body: dict[str, str]) -> None:
    """Report the preview of the pull request, the verdict on the commit, or what the commit says about its preview or its policies: see
    `Instruction.REPORT`. Raises ForgeError.

    The comment below the pull request is written by a lane of its own, which has one of them in flight at most. To a
    repository that is gone nothing is reported.
    """
    if "pull_request" in body:
        _report_pull_request(forges, body["pull_request"])
    elif "review" in body:
        report_review(forges, body["review"])
    elif "preview_of" in body:
        _report_preview(forges, body["project"], body["preview_of"])
    else:
        _report_evaluation(forges, body["project"], body["commit"])


def report_all(project: Project) -> None:
    """Have everything reported that is open here or unfinished at the forge, in the caller's transaction. Of that, the forge
    only hears what it does not know: such as reports that were given up because it had been away, or had refused the
    credential, for too long.
    """
    numbers = [int(about) for about in unfinished(project, Told.DEPLOYMENT)]
    rows = PullRequest.objects.filter(project=project)
    for pull_request in rows.filter(Q(state=PullRequestState.OPEN) | Q(number__in=numbers)):
        outbox.instruct(Instruction.REPORT, pull_request=pull_request.pk)
    heads = rows.filter(state=PullRequestState.OPEN).values_list("head_sha", flat=True)
    for commit in {*heads, *unfinished(project, Told.VERDICT), *unfinished(project, Told.FLOATS)}:
        outbox.instruct(Instruction.REPORT, project=project.pk, commit=commit)
    report_reviews(project)
    for commit in unfinished(project, Told.PREVIEW):
        outbox.instruct(Instruction.REPORT, project=project.pk, preview_of=commit)


def _report_pull_request(forges: Forges, key: str) -> None:
    """List the newest deployment of the pull request by each recipe, in whichever environment, and have its commits say how
    things are."""
    pull_request = PullRequest.objects.select_related("project__connection").filter(pk=key).first()
    if pull_request is None or pull_request.project.gone:
        return
    rows = Deployment.objects.select_related("environment__project", "environment__live")
    deployments = newest_by_recipe(rows, pull_request)
    commits = _commits(pull_request, deployments)
    if not commits:
        return
    if floats_wanted(pull_request.project):
        outbox.instruct(Instruction.FLOAT, pull_request=pull_request.pk)
    for commit in sorted(commits):
        outbox.instruct(Instruction.REPORT, project=pull_request.project_id, preview_of=commit)
    forge = forges.of(pull_request.project.connection)
    if isinstance(forge, HostedForge):
        outbox.instruct(Instruction.COMMENT, pull_request=pull_request.pk)
    for deployment in deployments:
        tell_deployment(forge, pull_request.project, _of_deployment(deployment, pull_request))


def _commits(pull_request: PullRequest, deployments: Iterable[Deployment]) -> set[str]:
    """Those whose preview must be reported: those of the newest deployments, the newest commit if it gets no preview, and all
    older ones whose preview was begun at the forge, so that it ends there.
    """
    commits = {deployment.commit for deployment in deployments}
    if pull_request.state == PullRequestState.OPEN and withheld(pull_request) is not None:
        commits.add(pull_request.head_sha)
    begun = set(unfinished(pull_request.project, Told.PREVIEW)) - commits
    ours = Deployment.objects.filter(environment__pull_request=pull_request, commit__in=begun)
    return commits | set(ours.values_list("commit", flat=True))


def _of_deployment(deployment: Deployment, pull_request: PullRequest) -> DeploymentReport:
    environment = deployment.environment
    state = state_of(deployment)
    return DeploymentReport(
        number=pull_request.number,
        commit=deployment.commit,
        state=state,
        description=deployment.shown_message or state,
        page_url=f"{settings.SITE_URL}/environments/{environment.pk}",
        urls=urls(environment) if environment.live_id == deployment.pk else {},
        environment=environment.name,
        ended=environment.state in OVER,
        recipe=environment.recipe,
    )


def _report_preview(forges: Forges, key: str, commit: str) -> None:
    project = Project.objects.select_related("connection").filter(pk=key).first()
    if project is None or project.gone:
        return
    promised = begun(project, Told.PREVIEW, commit)
    for recipe in dict.fromkeys([*recipes(project), *sorted(promised)]):
        said = preview_of(project, commit, begun=recipe in promised, recipe=recipe)
        if said is not None:
            tell_preview(forges.of(project.connection), project, said)


def _report_evaluation(forges: Forges, project: str, commit: str) -> None:
    """Report the newest evaluation of the commit, and that of its preview."""
    related = Evaluation.objects.select_related("project__connection", "pull_request", "glass")
    rows = related.filter(project=project, commit=commit)
    evaluation, float_ = newest_of(inspections(rows)), newest_of(floats(rows))
    if evaluation is None:
        _report_without_policies(forges, project, commit)
    else:
        _report_verdict(forges, evaluation)
    if float_ is not None:
        _report_verdict(forges, float_)
    elif evaluation is not None and evaluation.event == EventKind.MERGE_QUEUE:
        _report_needless(forges, evaluation)
    if evaluation is not None and evaluation.event == EventKind.MERGE_QUEUE:
        report_queued(forges, evaluation.project, commit)


def _report_needless(forges: Forges, evaluation: Evaluation) -> None:
    """Where live policies run, their name may be required, and a commit of a merge queue has no preview."""
    project = evaluation.project
    if project.gone or not floats_wanted(project):
        return
    report = EvaluationReport(
        commit=evaluation.commit,
        state=EvaluationState.PASSED,
        description="Not needed in a merge queue",
        page_url=f"{settings.SITE_URL}/projects/{project.pk}",
        subject=Subject.PREVIEW,
    )
    tell_evaluation(forges.of(project.connection), project, report)


def _report_verdict(forges: Forges, evaluation: Evaluation) -> None:
    live = evaluation.event == EventKind.PREVIEW
    if evaluation.project.gone or _forgotten(evaluation, Told.FLOATS if live else Told.VERDICT):
        return
    evaluation = told_as(evaluation)
    forge = forges.of(evaluation.project.connection)
    if evaluation.pull_request_id is not None and isinstance(forge, HostedForge):
        outbox.instruct(Instruction.COMMENT, pull_request=evaluation.pull_request_id)
    tell_evaluation(
        forge,
        evaluation.project,
        EvaluationReport(
            commit=evaluation.commit,
            state=EvaluationState(evaluation.state),
            description=evaluation.shown_message or _described(evaluation),
            page_url=f"{settings.SITE_URL}/evaluations/{evaluation.pk}",
            summary="\n".join(verdict(evaluation)).strip(),
            annotations=annotations(evaluation),
            number=evaluation.pull_request.number if evaluation.pull_request is not None else None,
            identity=evaluation.pk,
            subject=Subject.PREVIEW if live else Subject.COMMIT,
        ),
    )
    if evaluation.event == EventKind.MERGE_QUEUE:
        about = {"project": evaluation.project_id, "preview_of": evaluation.commit}
        outbox.instruct(Instruction.REPORT, **about)


def _described(evaluation: Evaluation) -> str:
    """The verdict in a line. What is waived is said with it, because it did not pass, and so are remarks."""
    every = (why_it_passes(evaluation), what_is_waived(evaluation), what_is_remarked(evaluation))
    said = [one for one in every if one]
    return f"{evaluation.state}: {'. '.join(said)}" if said else evaluation.state


def _forgotten(evaluation: Evaluation, what: Told) -> bool:
    """Whether another commit took its place before the forge heard of it: nobody waits for it there."""
    if evaluation.state != EvaluationState.SUPERSEDED:
        return False
    project, commit = evaluation.project, evaluation.commit
    heads = PullRequest.objects.filter(project=project, head_sha=commit, state=PullRequestState.OPEN)
    return not begun(project, what, commit) and not heads.exists()


def _report_without_policies(forges: Forges, project: str, commit: str) -> None:
    """Where no policy applies to the newest commit of a pull request, there is nothing against it."""
    rows = PullRequest.objects.select_related("project__connection")
    pull_request = rows.filter(project=project, head_sha=commit, state=PullRequestState.OPEN).first()
    if pull_request is None or pull_request.project.gone:
        return
    tell_evaluation(
        forges.of(pull_request.project.connection),
        pull_request.project,
        EvaluationReport(
            commit=commit,
            state=EvaluationState.PASSED,
            description="No policy applies",
            page_url=f"{settings.SITE_URL}/projects/{pull_request.project_id}",
        ),
    )
