import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from seatrial.control import urls
from seatrial.control.accounts.access import AccessDenied

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def _denied(request: HttpRequest, hidden: str) -> HttpResponse:
    raise AccessDenied("no", hidden=hidden == "hidden")


urlpatterns = [path("denied/<hidden>", _denied), *urls.urlpatterns]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("what", "status"), [("hidden", 404), ("known", 403)])
def test_access_denied_under_a_page_is_its_error_page(what: str, status: int) -> None:
    assert Client().get(f"/denied/{what}").status_code == status


def test_nothing_inline_and_nothing_from_elsewhere() -> None:
    headers = Client().get("/accounts/login/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "script-src 'self'" in policy and "object-src 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
