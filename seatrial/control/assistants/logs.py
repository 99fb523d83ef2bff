"""What a preview printed, for coding assistants."""

import asyncio
from collections import deque
from contextlib import aclosing
from typing import Annotated

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Field, Path, Query, Schema

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.errors import NotFound
from seatrial.control.previews.apps import log_tails
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.pages.logs import log_text
from seatrial.control.previews.pages.speakers import Speakers

USUAL, MOST = 200, 1_000
SECONDS = 20.0

EnvironmentId = Annotated[str, Path(description="Id of a preview.")]
OfDeployment = Annotated[
    str, Query(description="Only those of the deployment with this id; empty: of the newest.")
]
Containing = Annotated[str, Query(description="Only lines with this text, whatever its case.")]
Lines = Annotated[int, Query(description=f"How many lines at most, from 1 to {MOST}.")]


class LogAnswer(Schema):
    """Lines of a preview's log."""

    preview: str = Field(description="Id of the preview.")
    deployment: str = Field(description="Id of the deployment; empty while there is none.")
    lines: list[str] = Field(
        description="When (UTC), which service, its part (build or run), and the text; the oldest first."
    )
    earlier: int = Field(description="How many matching lines came before these.")
    complete: bool = Field(
        description="Whether all lines that are kept were read; if not, ask again in a moment."
    )


async def get_preview_logs(
    request: HttpRequest,
    environment_id: EnvironmentId,
    deployment: OfDeployment = "",
    containing: Containing = "",
    limit: Lines = USUAL,
) -> LogAnswer:
    """The newest lines of one deployment."""
    environment, chosen = await sync_to_async(_chosen)(request, environment_id, deployment)
    if chosen is None:
        return LogAnswer(preview=environment.pk, deployment="", lines=[], earlier=0, complete=True)
    kept: deque[str] = deque(maxlen=max(1, min(limit, MOST)))
    matching, complete = 0, True
    texts = log_text(log_tails(), [chosen], None, Speakers(environment.pk))
    try:
        async with asyncio.timeout(SECONDS), aclosing(texts) as parts:
            async for part in parts:
                found = [line for line in part.splitlines() if containing.casefold() in line.casefold()]
                matching += len(found)
                kept.extend(found)
    except TimeoutError:
        complete = False
    return LogAnswer(
        preview=environment.pk,
        deployment=chosen.pk,
        lines=list(kept),
        earlier=matching - len(kept),
        complete=complete,
    )


def _chosen(request: HttpRequest, key: str, wanted: str) -> tuple[Environment, Deployment | None]:
    environment = find_visible(person(request), Environment, key)
    rows = environment.deployments.exclude(agent=None).order_by("-id")
    chosen = rows.filter(pk=wanted).first() if wanted else rows.first()
    if wanted and chosen is None:
        raise NotFound(f"{environment.name} has no deployment {wanted} that was given to an agent.")
    return environment, chosen
