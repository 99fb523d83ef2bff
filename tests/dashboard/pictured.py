"""Screenshots of previews, in a harbour."""

import hashlib
import io
from datetime import timedelta

from django.utils import timezone
from PIL import Image, ImageDraw

from seatrial.control.previews.evidence.differing import difference
from seatrial.control.previews.evidence.models import ComparedWith, Screenshot, ScreenshotState
from seatrial.control.previews.models import Deployment, Environment
from tests import factories
from tests.dashboard.harbour import Harbour


def drawn(words: str, colour: str, height: int = 900) -> bytes:
    """A page with a heading and a button."""
    image = Image.new("RGB", (1280, height), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 1280, 90), fill="#12355b")
    pen.text((40, 30), "Chandlery", fill="white", font_size=32)
    pen.text((40, 140), words, fill="#101c2c", font_size=48)
    pen.rounded_rectangle((40, 240, 300, 310), 12, fill=colour)
    pen.text((80, 256), "Add to basket", fill="white", font_size=28)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def pictured(harbour: Harbour) -> tuple[Deployment, Deployment]:
    """(the former, the live) deployment of a preview whose looks changed, and of which one service could not be looked at."""
    found = Environment.objects.filter(pull_request__title="Paint the hull anew").first()
    environment = found or _painted(harbour)
    before, after = environment.deployments.order_by("id")
    return before, after


def _painted(harbour: Harbour) -> Environment:
    pull = factories.pull_request(harbour.project, number=93, title="Paint the hull anew")
    environment = factories.running(pull, agent=harbour.live.live.agent)
    before = environment.live
    assert before is not None
    Deployment.objects.filter(pk=before.pk).update(state="superseded")
    factories.phases(
        before, ("checkout", 0, 0.8), ("recipe", 1, 0.1), ("build web", 1, 9.4), ("start", 11, 1.2)
    )
    services = [{**one, "facts": _facts(one["name"])} for one in before.services]
    later = timezone.now() + timedelta(seconds=9)
    after = factories.deployment(
        environment,
        state="live",
        services=services,
        commit=factories.sha(),
        finished_at=later,
        isolation="runc",
    )
    factories.phases(
        after, ("checkout", 0, 0.7), ("recipe", 1, 0.1), ("build web", 1, 4.1), ("start", 6, 1.9)
    )
    Environment.objects.filter(pk=environment.pk).update(live=after, services=services)
    old, new = drawn("Rope, 12 mm", "#b3261e"), drawn("Rope, 14 mm", "#14713f", 1100)
    first = _shot(before, old)
    found = difference(old, new)
    compared = {"before": first, "compared_with": ComparedWith.PREVIOUS, "changed": found.changed}
    _shot(after, new, **compared, difference=found.png)
    problem = "the page does not open: net::ERR_EMPTY_RESPONSE"
    Screenshot.objects.create(deployment=after, service="shop", state=ScreenshotState.FAILED, problem=problem)
    return environment


def _facts(name: str) -> dict[str, object]:
    image = "postgres:15" if name == "db" else ""
    return {"image": image, "image_bytes": 48_000_000, "user": "app", "listening": [8080], "declared": []}


def _shot(deployment: Deployment, png: bytes, **fields: object) -> Screenshot:
    height = int.from_bytes(png[20:24], "big")
    return Screenshot.objects.create(
        deployment=deployment,
        service="web",
        state=ScreenshotState.TAKEN,
        taken_at=timezone.now(),
        status=200,
        title="Chandlery",
        width=1280,
        height=height,
        digest=hashlib.sha256(png).hexdigest(),
        picture=png,
        **fields,
    )
