"""Every address, requested without signing in. The open ones are listed here; all others must be closed."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from seatrial.control.api import api

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

# Their own proof is in the body: a signature, a bootstrap token.
OPEN_OPERATIONS = {
    ("post", "/api/v1/webhooks/{forge}/{connection}"),
    ("post", "/api/v1/webhooks/{forge}"),
    ("post", "/api/v1/agents/register"),
    ("get", "/api/v1/signing-keys"),
}
OPEN_PAGES = {
    "healthz",
    "mcp",  # answers in its own words: tests/assistants/test_doors.py
    "badge/<str:token>.svg",
    "accounts/login/",
    "preview-unavailable",
    "theme",
    "styleguide",
    "api/v1/openapi.json",
    "api/v1/<path:path>",
    "api/v1/webhooks/<str:forge>/",
    "api/webhooks/<str:forge>",
    "api/webhooks/<str:forge>/",
}

OPERATIONS = {
    (method, path) for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
}


def pages(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield address
        elif isinstance(entry, URLResolver):
            yield from pages(entry, address)


def filled(address: str) -> str:
    return re.sub(r"[{<].*?[}>]", "01ABC", address)


# Operations of the API are asked by their documented method; its remaining addresses are asked like pages.
DOCUMENTED = {filled(path).lstrip("/") for _, path in OPERATIONS}
PAGES = sorted({address for address in pages(get_resolver()) if filled(address) not in DOCUMENTED})


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS - OPEN_OPERATIONS))
def test_the_api_knows_nobody_without_a_token(method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer sea_wrong"}):
        answer = Client().generic(method.upper(), filled(path), "{}", "application/json", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OPEN_PAGES])
@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_are_for_people_who_signed_in(method: str, page: str) -> None:
    answer = getattr(Client(), method)(f"/{filled(page)}")
    assert answer.status_code in {302, 404, 405}, answer.content
    home = "/" if page == "accounts/logout/" else "/accounts/login/"
    assert answer.headers.get("Location", home).startswith(home)


@pytest.mark.parametrize("path", ["", "nowhere", "environments/a/b/c", "agents/"])
def test_programs_get_not_found_as_json(path: str) -> None:
    answer = Client().get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_lists_of_what_is_open_name_what_there_is() -> None:
    assert OPEN_OPERATIONS <= OPERATIONS
    assert set(PAGES) >= OPEN_PAGES
    assert len(PAGES) > 20
