"""Repositories are searched and picked, many at once, and nothing that was picked is lost on the way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.listings import Listing, Listings
from seatrial.control.forges.protocol import ForgeRepository
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.site import Site
from tests.triggers.hosted import BOT, SHOP, Team

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(team: Team) -> Client:
    client = Client()
    client.force_login(team.people["owner"])
    return client


@pytest.fixture
def many(site: Site, source: Path) -> None:
    """60 more repositories."""
    first = site.repository("acme/item-00", source, admin=BOT)
    for number in range(1, 60):
        copy = type(first)(next(site.ids), "acme", f"item-{number:02}", first.path, {BOT: "admin"})
        site.repositories[copy.full_name] = copy


def boxes(answer: str) -> list[str]:
    return re.findall(r'name="repository" value="([^"]+)"', answer)


def ticked(answer: str) -> list[str]:
    return re.findall(r'name="repository" value="([^"]+)" checked', answer)


def repositories(number: int) -> Iterator[ForgeRepository]:
    for one in range(number):
        yield ForgeRepository(
            external_id=str(one), full_name=f"acme/item-{one}", name=f"item-{one}", clone_url="", web_url="",
            default_branch="main", archived=one % 2 == 1,
        )  # fmt: skip


def test_a_listing_reads_no_more_than_somebody_looks_at() -> None:
    read: list[int] = []

    def counted() -> Iterator[ForgeRepository]:
        for one in repositories(5000):
            read.append(1)
            yield one

    listing = Listing(counted())
    first = listing.find("", 0, 50)
    assert len(first.repositories) == 50 and first.more and len(read) < 110
    assert listing.find("", 0, 50) == first and len(read) < 110
    assert [one.name for one in listing.find("ITEM-4998", 0, 50).repositories] == ["item-4998"]
    assert len(read) == 5000
    last = listing.find("", 2450, 50)
    assert len(last.repositories) == 50 and not last.more
    assert len(read) == 5000


def test_a_listing_that_breaks_off_keeps_what_it_read_and_says_why() -> None:
    def broken() -> Iterator[ForgeRepository]:
        yield from repositories(3)
        raise ForgeError("no more than that")

    found = Listing(broken()).find("", 0, 50)
    assert len(found.repositories) == 2 and found.problem == "no more than that"


def test_one_listing_serves_every_search_until_somebody_wants_another(site: Site, connection: str) -> None:
    listings = Listings(Forges())
    row = Connection.objects.get()
    listings.of(row).find("", 0, 50)
    asked = len(site.asked)
    assert listings.of(row).find("shop", 0, 50).repositories
    assert len(site.asked) == asked
    listings.of(row, afresh=True).find("", 0, 50)
    assert len(site.asked) > asked
    site.faults.append(_down())
    assert listings.of(row, afresh=True).find("", 0, 50).problem
    assert not listings.of(row).find("", 0, 50).problem, "a forge that is back is asked again"


def _down() -> "object":
    from werkzeug.wrappers import Response

    return Response("down", 502)


def test_picks_survive_searches_and_pages_and_work_without_scripts(
    browser: Client, connection: str, many: None
) -> None:
    path = f"/connections/{connection}/repositories"
    first = browser.get(path).content.decode()
    assert len(boxes(first)) == 50 and "Next page" in first and "Previous page" not in first
    second = browser.post(path, {"search": "", "page": "2", "repository": [SHOP]}).content.decode()
    assert "Previous page" in second and "Next page" not in second
    picks = [SHOP, "acme/item-07"]
    found = browser.post(path, {"search": "ITEM-0", "repository": picks}).content.decode()
    assert set(ticked(found)) == set(picks) and len(boxes(found)) == 11
    assert not Project.objects.exists(), "nothing is chosen before somebody says so"
    chosen = browser.post(path, {"search": "item-0", "repository": picks, "choose": "yes"})
    assert chosen.status_code == 302 and Project.objects.count() == 2
    again = browser.get(f"{path}?search=item-07").content.decode()
    assert "under trial" in again and "checked disabled" in again


def test_who_leaves_and_comes_back_finds_what_was_picked(browser: Client, connection: str) -> None:
    path = f"/connections/{connection}/repositories"
    assert browser.post(path, {"repository": SHOP, "keep": "yes"}).status_code == 204
    assert ticked(browser.get(path).content.decode()) == [SHOP]
    browser.post(path, {"keep": "yes"})
    assert ticked(browser.get(path).content.decode()) == []
    browser.post(path, {"repository": SHOP, "choose": "yes"})
    Project.objects.all().delete()
    assert ticked(browser.get(path).content.decode()) == []


def test_the_search_as_somebody_types_gets_the_list_alone(browser: Client, connection: str) -> None:
    path = f"/connections/{connection}/repositories"
    part = browser.post(path, {"search": "sho"}, headers=HTMX).content.decode()
    assert boxes(part) == [SHOP] and "<html" not in part and 'role="status"' in part
    empty = browser.post(path, {"search": "<b>none"}, headers=HTMX).content.decode()
    assert "No such repository" in empty and "&lt;b&gt;none" in empty


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "\u0663", ""])
def test_a_page_that_there_is_not_is_the_nearest(browser: Client, connection: str, page: str) -> None:
    assert browser.get(f"/connections/{connection}/repositories", {"page": page}).status_code == 200


def test_archived_repositories_are_not_shown_and_unmanageable_ones_say_what_it_costs(
    browser: Client, connection: str, site: Site, many: None
) -> None:
    site.repositories["acme/item-01"].archived = True
    site.repositories["acme/item-02"].members = {BOT: "write"}
    text = browser.get(f"/connections/{connection}/repositories?search=item-0").content.decode()
    assert "acme/item-01" not in boxes(text) and "acme/item-02" in boxes(text)
    assert "changes are noticed once a minute" in text


def test_choosing_nothing_says_so(browser: Client, connection: str) -> None:
    answer = browser.post(f"/connections/{connection}/repositories", {"choose": "yes"})
    assert "No repository was chosen" in answer.content.decode()
