"""Every address of the site, under names that are not the dashboard's."""

from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from seatrial.control.accounts.models import User
from tests.dashboard.harbour import Harbour
from tests.rest.test_every_door import filled, pages

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

PAGES = {f"/{filled(address)}" for address in pages(get_resolver())}
ADDRESSES = [*sorted(PAGES), "/static/dashboard/seatrial.css"]
OF_PREVIEWS = [
    "pr-1-shop.preview.localhost",
    "PR-1-Shop.Preview.LOCALHOST:3000",
    "pr-1-shop.preview.localhost.",
    "pr-1-shop.preview.localhost.:8080",
    "a.b.preview.localhost",
    "preview.localhost",
]
UNKNOWN = ["elsewhere.test", "preview.localhost.evil.test", "evilpreview.localhost", "a b", ""]


@pytest.fixture
def signed_in() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("alice"))
    return client


def test_the_walk_knows_the_doors() -> None:
    assert {"/accounts/login/", "/api/v1/status", "/audit", "/"} <= set(ADDRESSES)
    assert all(isinstance(entry, URLPattern | URLResolver) for entry in get_resolver().url_patterns)


@pytest.mark.parametrize("host", OF_PREVIEWS)
def test_under_the_host_of_a_preview_there_is_its_stand_in_and_nothing_else(
    signed_in: Client, host: str
) -> None:
    for address in ADDRESSES:
        for method in ("GET", "POST"):
            answer = signed_in.generic(method, address, headers={"host": host})
            assert answer.status_code == 404, address
            assert b"There is no preview here" in answer.content, address
            assert answer["X-Seatrial-Preview"] == "none"
            assert "default-src 'none'" in answer["Content-Security-Policy"]
            assert not answer.cookies, address


@pytest.mark.parametrize("host", UNKNOWN)
def test_under_a_name_that_nobody_configured_nothing_answers(signed_in: Client, host: str) -> None:
    for address in ADDRESSES:
        answer = signed_in.generic("GET", address, headers={"host": host})
        assert (answer.status_code, bool(answer.cookies)) == (400, False), address


def test_the_stand_in_under_its_own_host_says_how_the_preview_does(harbour: Harbour) -> None:
    host = f"{harbour.building.name}.preview.localhost:3000"
    answer = Client().get("/accounts/login/?host=pr-99-x.preview.localhost", headers={"host": host})
    assert answer.status_code == 503
    assert b"The preview is being built" in answer.content


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        (["sea.preview.localhost"], "sea.preview.localhost", 200),
        ([".preview.localhost"], "pr-1-shop.preview.localhost", 404),
        (["*"], "pr-1-shop.preview.localhost", 404),
        (["*"], "elsewhere.test", 200),
    ],
)
def test_a_name_below_the_domain_of_previews_is_ours_only_where_it_is_written_out(
    settings: Any, allowed: list[str], host: str, status: int
) -> None:
    settings.ALLOWED_HOSTS = allowed
    assert Client().get("/accounts/login/", headers={"host": host}).status_code == status


def test_the_session_belongs_to_one_host() -> None:
    User.objects.create_user("alice", password="correct horse battery")
    answer = Client().post("/accounts/login/", {"login": "alice", "password": "correct horse battery"})
    assert answer.cookies["sessionid"]["domain"] == ""
    assert answer.cookies["sessionid"]["httponly"] and answer.cookies["sessionid"]["samesite"] == "Lax"
