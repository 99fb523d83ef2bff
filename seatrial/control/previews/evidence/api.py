"""REST: screenshots, and two deployments beside each other."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from ninja import Path, Query, Router

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound
from seatrial.control.previews.evidence.comparing import ComparisonAnswer, comparison, find_pair
from seatrial.control.previews.evidence.models import Screenshot
from seatrial.control.previews.evidence.shown import ScreenshotAnswer, screenshots_of
from seatrial.control.previews.models import Deployment

router = Router(tags=["previews"])
DeploymentId = Annotated[str, Path(description="Id of a deployment.")]
ScreenshotId = Annotated[str, Path(description="Id of a screenshot.")]
Other = Annotated[str, Query(description="Id of another deployment of the project; empty: the one before.")]
NOT_KEPT = "There is no such picture, or it is no longer kept."
PICTURE = {200: None, 404: ErrorAnswer}


@router.get(
    "/deployments/{deployment}/screenshots",
    response={200: list[ScreenshotAnswer], 404: ErrorAnswer},
    summary="List the screenshots of a deployment",
)
def list_screenshots(request: HttpRequest, deployment: DeploymentId) -> list[ScreenshotAnswer]:
    """One of each web service, also those that could not be taken."""
    return screenshots_of([find_visible(person(request), Deployment, deployment)])


@router.get(
    "/deployments/{deployment}/comparison",
    response={200: ComparisonAnswer, 404: ErrorAnswer},
    summary="Compare two deployments",
)
def compare_deployments(
    request: HttpRequest, deployment: DeploymentId, other: Other = ""
) -> ComparisonAnswer:
    """The earlier one is `before`, whichever of them is named first."""
    user = person(request)
    return comparison(user, *find_pair(user, deployment, other))


@router.get("/screenshots/{screenshot}/picture", response=PICTURE, summary="A screenshot as a picture")
def get_picture(request: HttpRequest, screenshot: ScreenshotId) -> HttpResponse:
    """A PNG."""
    row = find_visible(person(request), Screenshot, screenshot)
    return _png(request, row.picture, row.digest)


@router.get("/screenshots/{screenshot}/difference", response=PICTURE, summary="What differs in a screenshot")
def get_difference(request: HttpRequest, screenshot: ScreenshotId) -> HttpResponse:
    """A PNG: the screenshot, faded, with what differs marked."""
    row = find_visible(person(request), Screenshot, screenshot)
    return _png(request, row.difference, f"{row.digest}-{row.before_id}")


def _png(request: HttpRequest, picture: bytes | memoryview | None, tag: str) -> HttpResponse:
    """It was drawn by what a pull request runs: nothing but a picture may come of it, whatever its bytes are."""
    if picture is None:
        raise NotFound(NOT_KEPT)
    etag = f'"{tag}"'
    answer = get_conditional_response(request, etag=etag) or HttpResponse(
        bytes(picture), content_type="image/png"
    )
    assert isinstance(answer, HttpResponse)
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, max-age=0, must-revalidate"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
