"""Our comment below a pull request: its preview and its verdict, always as they are now."""

import hashlib
from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import PostedComment
from seatrial.control.forges.protocol import CommentReport, HostedForge
from seatrial.control.policies.current import floats, inspections, newest_of
from seatrial.control.policies.markdown import block, code, plain
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.rescans.telling import told_as
from seatrial.control.previews.evidence.telling import looked
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.newest import newest_by_recipe
from seatrial.control.previews.recipes import recipes
from seatrial.control.previews.routes import urls
from seatrial.control.previews.withheld import Withheld, fix, why, withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.control.triggers.commands import Verb
from seatrial.control.triggers.verdict import verdict
from seatrial.wire.states import DeploymentState

LOG_LINES = 15


def comment(forges: Forges, body: dict[str, str]) -> None:
    """Write or edit the comment of the pull request in `body`, if it would say anything new. Raises ForgeError.

    Idempotent, and never called twice at once for one pull request. No transaction is open while the forge is asked.
    """
    rows = PullRequest.objects.select_related("project__connection", "posted_comment")
    pull_request = rows.filter(pk=body["pull_request"]).first()
    if pull_request is None:
        return
    if pull_request.project.gone:
        return
    forge = forges.of(pull_request.project.connection)
    text = "\n".join(_parts(pull_request))
    if not isinstance(forge, HostedForge) or not text:
        return
    digest = hashlib.sha256(text.encode()).hexdigest()
    posted = PostedComment.objects.filter(pull_request=pull_request).first()
    if posted is not None and posted.digest == digest:
        return
    report = CommentReport(
        number=pull_request.number, body=text, known=posted.external_id if posted is not None else ""
    )
    identity = forge.report_comment(pull_request.project, report)
    PostedComment.objects.update_or_create(
        pull_request=pull_request,
        defaults={"external_id": identity, "digest": digest, "posted_at": timezone.now()},
    )


def _parts(pull_request: PullRequest) -> Iterator[str]:
    """Nothing before there is a preview, a verdict, or somebody whose approval a fork needs."""
    deployments = Deployment.objects.select_related("environment__live", "environment__project")
    wanted = recipes(pull_request.project)
    newest = [one for one in newest_by_recipe(deployments, pull_request) if one.environment.recipe in wanted]
    evaluations = Evaluation.objects.filter(pull_request=pull_request)
    evaluation, float_ = newest_of(inspections(evaluations)), newest_of(floats(evaluations))
    reason = withheld(pull_request) if pull_request.state == PullRequestState.OPEN else None
    if not newest and evaluation is None and reason is not Withheld.FORK:
        return
    yield f"### Sea trial of {code(pull_request.head_sha[:10])}"
    if reason is not None:
        yield from _no_preview(pull_request, reason)
    else:
        for deployment in newest:
            yield from _preview(deployment)
    if evaluation is not None:
        yield from verdict(told_as(evaluation))
    if float_ is not None:
        yield from verdict(float_)


def _no_preview(pull_request: PullRequest, reason: Withheld) -> Iterator[str]:
    yield f"\n**No preview:** {why(reason, pull_request)}. {fix(reason, pull_request)}"
    if reason is Withheld.FORK:
        yield f"<br>With a comment: {code(f'{Verb.APPROVE} {pull_request.head_sha[:10]}')}"


def _preview(deployment: Deployment) -> Iterator[str]:
    environment = deployment.environment
    page = f"{settings.SITE_URL}/environments/{environment.pk}"
    yield ""
    of = f" of {code(environment.recipe)}" if environment.recipe else ""
    yield f"**Preview{of}: {deployment.state}** ({code(deployment.commit[:10])}) · [details]({page})"
    if deployment.shown_message:
        yield f"<br>{plain(deployment.shown_message)}"
    addresses = urls(environment) if environment.live is not None else {}
    if addresses and environment.live_id != deployment.pk:
        yield f"<br>Still served: {code((environment.live.commit if environment.live else '')[:10])}"
    looks = looked(environment.live) if addresses and environment.live is not None else {}
    for service, address in addresses.items():
        yield f"- {plain(service)}: {address}{looks.get(service, '')}"
    if addresses and environment.pinned:
        yield "\nIt is pinned, so it stays until the pull request is closed."
    elif addresses and environment.expires_at is not None:
        yield f"\nIt is removed on {environment.expires_at:%Y-%m-%d at %H:%M} UTC, or when the pull request is closed."
    if deployment.state == DeploymentState.FAILED and deployment.log_tail:
        yield f"\n<details><summary>Last lines of {plain(deployment.failed_service or 'the log')}</summary>\n"
        yield block([str(line) for line in deployment.log_tail[-LOG_LINES:]])
        yield "\n</details>"
