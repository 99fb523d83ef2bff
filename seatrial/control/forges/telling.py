"""Tells forges what is new, and nothing twice."""

import hashlib
from collections.abc import Callable

from django.utils import timezone

from seatrial.control.forges.models import PostedReport
from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport, Forge
from seatrial.control.projects.models import Project


def tell_deployment(forge: Forge, project: Project, report: DeploymentReport) -> None:
    """Report the state of a preview, unless it is what the forge was told last. See `_tell`."""
    about = f"preview of {report.number} at {report.commit}"
    _tell(project, about, report, lambda: forge.report_deployment(project, report))


def tell_evaluation(forge: Forge, project: Project, report: EvaluationReport) -> None:
    """Report the verdict on a commit, unless it is what the forge was told last. See `_tell`."""
    _tell(project, f"verdict on {report.commit}", report, lambda: forge.report_evaluation(project, report))


def forget(project: Project, commit: str) -> None:
    """Have the next reports on `commit` sent whatever they say: the forge no longer shows what it was told."""
    PostedReport.objects.filter(project=project, about__endswith=commit).delete()


def _tell(project: Project, about: str, report: object, send: Callable[[], None]) -> None:
    """Call `send`, unless the same was sent last. Raises what `send` raises; then nothing counts as sent.

    A lane has one report about a thing in flight, and the row is written after it. So what was sent just before a
    process was killed is sent once more, and says the same.
    """
    where = (project.connection.base_url, project.external_id)
    digest = hashlib.sha256(repr((where, report)).encode()).hexdigest()
    if PostedReport.objects.filter(project=project, about=about, digest=digest).exists():
        return
    send()
    PostedReport.objects.update_or_create(
        project=project, about=about, defaults={"digest": digest, "posted_at": timezone.now()}
    )
