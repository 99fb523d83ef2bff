"""Screenshots and comparisons of deployments as programs and pages see them."""

from collections.abc import Sequence
from datetime import datetime

from ninja import Field, Schema

from seatrial.control.previews.evidence.models import PICTURES, Screenshot
from seatrial.control.previews.models import Deployment


class ScreenshotAnswer(Schema):
    """One service of one deployment, as a browser saw it."""

    id: str = Field(description="Its id.")
    deployment: str = Field(description="Id of the deployment.")
    commit: str = Field(description="The commit that it shows.")
    service: str = Field(description="The service's name.")
    state: str = Field(description="asked, taken or failed.")
    problem: str = Field(description="Why there is none, for people; empty otherwise.")
    taken_at: datetime | None = Field(description="When it was taken; null: there is none.")
    status: int | None = Field(description="The HTTP status that the page came with; null: unknown.")
    title: str = Field(description="The page's title.")
    width: int = Field(description="In pixels.")
    height: int = Field(description="In pixels.")
    digest: str = Field(description="SHA-256 of the picture: equal pictures look the same.")
    picture_url: str = Field(description="Where the PNG is; empty: there is none, or it is no longer kept.")
    compared_with: str = Field(
        description="base_branch, merged (what was merged last into the base branch) or previous; empty: with nothing."
    )
    before: str = Field(description="Id of the screenshot that it is compared with; empty: with none.")
    before_commit: str = Field(description="The commit that the other one shows.")
    before_url: str = Field(description="Where the other PNG is; empty as above.")
    changed: float | None = Field(
        description="How much of it differs, in percent of the larger picture; null: it is compared with nothing."
    )
    difference_url: str = Field(
        description="Where a PNG is on which the difference is marked; empty where nothing differs, and as above."
    )


def screenshots_of(deployments: Sequence[Deployment]) -> list[ScreenshotAnswer]:
    """Those of all the deployments, by service. Two queries, and no picture is read."""
    rows = (
        Screenshot.objects.filter(deployment__in=[one.pk for one in deployments])
        .select_related("deployment", "before__deployment")
        .defer(*PICTURES, *(f"before__{name}" for name in PICTURES))
        .order_by("-state", "service", "id")  # those that there are come first
    )
    found = list(rows)
    wanted = {row.pk for row in found} | {row.before_id for row in found if row.before_id}
    kept = dict(Screenshot.objects.filter(pk__in=wanted, picture__isnull=False).values_list("pk", "changed"))
    return [_answer(row, kept) for row in found]


def picture_url(screenshot: str, kind: str = "picture") -> str:
    """Where a picture is, below the server's own address."""
    return f"/api/v1/screenshots/{screenshot}/{kind}"


def _answer(row: Screenshot, kept: dict[str, float | None]) -> ScreenshotAnswer:
    return ScreenshotAnswer(
        id=row.pk,
        deployment=row.deployment_id,
        commit=row.deployment.commit,
        service=row.service,
        state=row.state,
        problem=row.problem,
        taken_at=row.taken_at,
        status=row.status,
        title=row.title,
        width=row.width,
        height=row.height,
        digest=row.digest,
        picture_url=picture_url(row.pk) if row.pk in kept else "",
        compared_with=row.compared_with,
        before=row.before_id or "",
        before_commit=row.before.deployment.commit if row.before else "",
        before_url=picture_url(row.before_id) if row.before_id and row.before_id in kept else "",
        changed=row.changed,
        difference_url=picture_url(row.pk, "difference") if row.pk in kept and row.changed else "",
    )
