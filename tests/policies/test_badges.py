"""A badge says the score to whoever has its address or may see the project, and nothing to anybody else."""

import xml.etree.ElementTree as ElementTree
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies.badges.drawing import Badge, Colour, badge_of, svg, width
from seatrial.control.policies.badges.models import PublicBadge
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.projects.models import Project
from tests import factories as make

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("score", "all_passed", "value", "colour"),
    [
        (100, True, "100/100", Colour.GREEN),
        (80, False, "80/100", Colour.GREEN),
        (30, True, "30/100", Colour.GREEN),
        (79.9, False, "79.9/100", Colour.ORANGE),
        (50, False, "50/100", Colour.ORANGE),
        (49.9, False, "49.9/100", Colour.RED),
        (0, False, "0/100", Colour.RED),
        (None, False, "no data", Colour.GREY),
    ],
)
def test_the_colour_follows_the_score(
    score: float | None, all_passed: bool, value: str, colour: Colour
) -> None:
    assert badge_of(score, all_passed=all_passed) == Badge(value, colour)


def test_words_are_escaped_and_have_room() -> None:
    badge = Badge('</text><script>"&', Colour.RED, label="船舶 ok")
    drawn = ElementTree.fromstring(svg(badge))
    label, value = drawn.iter(f"{SVG}text")
    assert (label.text, value.text) == ("船舶 ok", '</text><script>"&')
    assert drawn.find(f"{SVG}title").text == drawn.get("aria-label") == badge.words  # type: ignore[union-attr]
    assert int(drawn.get("width", 0)) == width(badge.label) + width(badge.value) + 24
    assert width("WWW") > width("iii") and width("船舶") == 22


def contrast(colour: str) -> float:
    """With white, as WCAG computes it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@pytest.mark.parametrize("colour", Colour)
def test_white_words_can_be_read_on_every_colour(colour: Colour) -> None:
    assert contrast(colour) >= 4.5


class Harbour:
    """A project with a score of 92; an admin, a viewer and a stranger."""

    def __init__(self) -> None:
        self.people = {name: make.user(name) for name in ("admin", "developer", "viewer", "stranger")}
        self.space = make.workspace(
            "harbour", **{role: self.people[role] for role in ("admin", "developer", "viewer")}
        )
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.project = make.project(self.space, "secret-project")
        now = timezone.now()
        DailyScore.objects.create(
            project=self.project, day=now.date(), score=92, passed=3, failed=1, taken_at=now
        )

    def ask(self, who: str, method: str, address: str) -> HttpResponse:
        client = Client()
        if who:
            client.force_login(self.people[who])
        return getattr(client, method)(
            address.replace("PROJECT", self.project.pk), content_type="application/json"
        )

    def published(self) -> dict[str, Any]:
        answer = self.ask("admin", "post", "/api/v1/projects/PROJECT/badge")
        assert answer.status_code == 200
        return dict(answer.json())  # type: ignore[attr-defined]


@pytest.fixture
def harbour(db: None) -> Harbour:
    return Harbour()


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.mark.postgres
def test_the_public_badge_says_the_score_and_nothing_else(harbour: Harbour) -> None:
    answer = harbour.published()
    picture = harbour.ask("", "get", path_of(answer["public_url"]))
    text = picture.content.decode()
    assert picture.status_code == 200 and picture["Content-Type"].startswith("image/svg+xml")
    assert ">92/100</text>" in text and "secret" not in text and harbour.project.pk not in text
    assert picture["Cache-Control"] == "public, max-age=300"
    assert answer["markdown"].startswith(f"[![policies]({answer['public_url']})](")
    same = Client().get(path_of(answer["public_url"]), headers={"If-None-Match": picture["ETag"]})
    assert same.status_code == 304 and not same.content
    DailyScore.objects.update(score=10)
    changed = Client().get(path_of(answer["public_url"]), headers={"If-None-Match": picture["ETag"]})
    assert changed.status_code == 200 and b"10/100" in changed.content


@pytest.mark.postgres
def test_a_replaced_and_a_withdrawn_address_look_as_if_they_never_were(harbour: Harbour) -> None:
    first, second = harbour.published()["public_url"], harbour.published()["public_url"]
    assert first != second
    assert harbour.ask("admin", "delete", "/api/v1/projects/PROJECT/badge").json()["public_url"] == ""  # type: ignore[attr-defined]
    for address in (path_of(first), path_of(second), "/badge/never.svg", "/badge/%ED%A0%80.svg"):
        answer = harbour.ask("", "get", address)
        assert answer.status_code == 404 and b"secret" not in answer.content
    actions = (
        AuditEntry.objects.filter(action__startswith="badge").order_by("pk").values_list("action", flat=True)
    )
    assert list(actions) == ["badge.publish", "badge.rotate", "badge.withdraw"]


@pytest.mark.postgres
def test_only_admins_publish_and_only_members_see_the_private_one(harbour: Harbour) -> None:
    rest, page = "/api/v1/projects/PROJECT/badge", "/projects/PROJECT/badge"
    for who, status in (("developer", 403), ("viewer", 403), ("stranger", 404)):
        assert harbour.ask(who, "post", rest).status_code == status
        assert harbour.ask(who, "delete", rest).status_code == status
        assert harbour.ask(who, "post", f"{page}/publish").status_code == status
        assert harbour.ask(who, "post", f"{page}/withdraw").status_code == status
    assert not PublicBadge.objects.exists()
    assert b">92/100</text>" in harbour.ask("viewer", "get", f"{page}.svg").content
    assert harbour.ask("viewer", "get", f"{page}.svg")["Cache-Control"] == "private, max-age=300"
    assert [
        harbour.ask("stranger", "get", address).status_code for address in (rest, page, f"{page}.svg")
    ] == [404] * 3
    assert harbour.ask("", "get", f"{page}.svg").status_code == 302
    assert b"Publish it" not in harbour.ask("viewer", "get", page).content
    assert b"Publish it" in harbour.ask("admin", "get", page).content
    harbour.ask("admin", "post", f"{page}/publish")
    shown = harbour.ask("viewer", "get", page).content.decode()
    assert PublicBadge.objects.get().token in shown and "Replace the address" not in shown


@pytest.mark.postgres
@pytest.mark.parametrize("why", ["archived", "stale", "never taken"])
def test_what_says_nothing_about_now_is_grey(harbour: Harbour, why: str) -> None:
    if why == "archived":
        Project.objects.update(archived_at=timezone.now())
    elif why == "stale":
        DailyScore.objects.update(taken_at=timezone.now() - timedelta(days=3))
    else:
        DailyScore.objects.all().delete()
    picture = harbour.ask("", "get", path_of(harbour.published()["public_url"])).content.decode()
    assert "no data" in picture and Colour.GREY.value in picture


@pytest.mark.postgres
def test_the_token_is_sealed_in_the_database(harbour: Harbour) -> None:
    token = path_of(harbour.published()["public_url"]).removeprefix("/badge/").removesuffix(".svg")
    assert len(token) >= 32
    row = PublicBadge.objects.get()
    assert row.token == token and token not in str(PublicBadge.objects.values().get())
