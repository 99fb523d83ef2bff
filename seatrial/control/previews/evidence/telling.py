"""What comments below pull requests say of screenshots."""

from urllib.parse import quote

from django.conf import settings

from seatrial.control.previews.evidence.models import PICTURES, Screenshot, ScreenshotState
from seatrial.control.previews.evidence.templatetags.evidence import percent
from seatrial.control.previews.models import Deployment


def looked(deployment: Deployment) -> dict[str, str]:
    """By service, a link to its screenshot, and how much changed; in Markdown. Nothing where there is none."""
    rows = deployment.screenshots.filter(state=ScreenshotState.TAKEN).defer(*PICTURES)
    return {row.service: f" · [screenshot]({page_of(row)}){_changed(row)}" for row in rows}


def page_of(row: Screenshot) -> str:
    """Where people look at it, once they have signed in: nobody else sees it."""
    return f"{settings.SITE_URL}/deployments/{row.deployment_id}#screenshot-{quote(row.service)}"


def _changed(row: Screenshot) -> str:
    if row.changed is None:
        return ""
    return f", {percent(row.changed)} changed" if row.changed else ", looks the same"
