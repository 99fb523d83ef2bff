"""A preview as live policies see it: one snapshot, from rows and from the log."""

from django.db.models import F

from seatrial.control.policies.models import Trial
from seatrial.control.previews.evidence.models import PICTURES, ScreenshotState
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.recipes import FIRST
from seatrial.control.previews.routes import urls
from seatrial.control.triggers.last_lines import lines_of_services
from seatrial.wire.deployments import ObservedService, ServiceFacts
from seatrial.wire.previews import (
    MOST_LINE,
    MOST_LINES,
    Preview,
    PreviewPhase,
    PreviewScreenshot,
    PreviewService,
)
from seatrial.wire.states import EnvironmentState

MOST_SERVICES = 50
MOST_CHARACTERS = 200_000  # of all logs together


def live_deployment(key: str) -> Deployment | None:
    """The deployment with this id if visitors are served by it now."""
    rows = Deployment.objects.select_related("environment__project", "environment__live")
    found = rows.filter(pk=key, environment__state=EnvironmentState.RUNNING).first()
    return found if found is not None and found.environment.live_id == found.pk else None


def snapshot(key: str) -> Preview | None:
    """The preview as this deployment of it, None if that is not live. Reads the log from the bus; raises LinesUnread."""
    deployment = live_deployment(key)
    if deployment is None:
        return None
    addresses = urls(deployment.environment)
    lines = lines_of_services(deployment, most=MOST_LINES)
    observed = [ObservedService.model_validate(one) for one in deployment.services[:MOST_SERVICES]]
    most = MOST_CHARACTERS // max(1, len(observed))
    return Preview(
        deployment=deployment.pk,
        name=deployment.environment.name,
        commit=deployment.commit,
        urls=addresses,
        services=[
            _service(one, addresses.get(one.name, ""), shortened(lines.get(one.name, []), most))
            for one in observed
        ],
        phases=[PreviewPhase(name=one.name, seconds=one.seconds) for one in deployment.phases.all()],
        warnings=[str(one)[:MOST_LINE] for one in deployment.warnings[:MOST_LINES]],
        looks=_looks(deployment),
    )


def preview_of_trial(trial: Trial) -> Preview | None:
    """The preview of the commit that a trial is on, if one is live. Raises LinesUnread."""
    rows = Deployment.objects.filter(
        environment__project=trial.project_id, environment__recipe=FIRST, commit=trial.commit
    )
    live = rows.filter(environment__live=F("pk")).order_by("-id").first()
    return snapshot(live.pk) if live is not None else None


def shortened(lines: list[str], most: int) -> list[str]:
    """The newest of `lines` that have `most` characters together."""
    kept: list[str] = []
    for line in reversed(lines):
        most -= min(len(line), MOST_LINE)
        if most < 0:
            break
        kept.append(line[:MOST_LINE])
    return kept[::-1]


def _looks(deployment: Deployment) -> PreviewScreenshot | None:
    taken = (
        deployment.screenshots.filter(state=ScreenshotState.TAKEN)
        .defer(*PICTURES)
        .order_by("service")
        .first()
    )
    if taken is None:
        return None
    return PreviewScreenshot.model_validate(taken, from_attributes=True)


def _service(one: ObservedService, url: str, logs: list[str]) -> PreviewService:
    facts = one.facts or ServiceFacts()
    return PreviewService(
        **facts.model_dump(), name=one.name, kind=one.kind, state=one.state, url=url, logs=logs
    )
