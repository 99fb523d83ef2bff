"""Every forge over HTTP keeps to its budget, asks for nothing twice, and knows the forge's time."""

import time
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from django.utils import timezone

from seatrial.control.forges.errors import ForgeError, Limited
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.etags import Etags
from seatrial.control.forges.http.forge import HttpForge


def test_the_etags_used_last_are_kept() -> None:
    etags = Etags(most=2)
    for address in ("/a", "/b"):
        etags.keep(address, "1", address)
    assert etags.get("/a")
    etags.keep("/c", "1", "/c")
    assert [bool(etags.get(address)) for address in ("/a", "/b", "/c")] == [True, False, True]


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 99 Foo 2026"])
def test_a_date_that_is_none_changes_no_clock(date: str | None) -> None:
    clock = ForgeClock()
    clock.heard(date)
    assert abs(clock.now() - timezone.now()) < timedelta(minutes=1)


def test_the_clock_is_the_forges() -> None:
    clock = ForgeClock()
    there = timezone.now() + timedelta(days=3)
    clock.heard(format_datetime(there, usegmt=False))
    assert abs(clock.now() - there) < timedelta(minutes=1)


def answering(*answers: httpx.Response | Exception) -> tuple[HttpForge, list[httpx.Request]]:
    """A forge that answers these in turn, and what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    return HttpForge("https://forge.test/api", transport=httpx.MockTransport(answer)), asked


def test_what_has_not_changed_is_not_sent_again() -> None:
    first = httpx.Response(200, json={"a": 1}, headers={"ETag": '"one"'})
    forge, asked = answering(first, httpx.Response(304), httpx.Response(200, json={"a": 2}))
    assert [forge.get("/x") for _ in range(3)] == [{"a": 1}, {"a": 1}, {"a": 2}]
    assert [request.headers.get("If-None-Match") for request in asked] == [None, '"one"', '"one"']


@pytest.mark.parametrize(
    ("answer", "permanent", "message"),
    [
        (httpx.Response(404), True, "forge.test answers 404 Not Found for /api/x"),
        (httpx.Response(422), True, "422"),
        (httpx.Response(301, headers={"Location": "https://elsewhere.test"}), True, "301"),
        (
            httpx.Response(401),
            False,
            "401.* It was revoked, has ended, or was not entered whole",
        ),
        (httpx.Response(502), False, "502"),
        (httpx.ConnectError("refused"), False, "forge.test does not answer: refused"),
        (httpx.ReadTimeout("slow"), False, "does not answer"),
        (httpx.Response(200, text="<html>"), False, "is not JSON"),
    ],
)
def test_what_goes_wrong_is_named_and_asked_again_where_that_may_help(
    answer: httpx.Response | Exception, permanent: bool, message: str
) -> None:
    forge, asked = answering(answer)
    with pytest.raises(ForgeError, match=message) as caught:
        forge.get("/x")
    assert caught.value.permanent is permanent and len(asked) == 1


def test_after_a_429_nobody_asks_until_the_time_it_named() -> None:
    forge, asked = answering(httpx.Response(429, headers={"Retry-After": "77"}))
    for _ in range(2):
        with pytest.raises(ForgeError) as caught:
            forge.get("/x")
        assert 60 < caught.value.retry_after_seconds <= 77
    assert len(asked) == 1


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": "soon"}, {"X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "x"}]
)
def test_after_a_429_that_names_no_time_nobody_asks_for_a_minute(headers: dict[str, str]) -> None:
    forge, asked = answering(httpx.Response(429, headers=headers))
    with pytest.raises(ForgeError):
        forge.get("/x")
    with pytest.raises(Limited) as caught:
        forge.get("/y")
    assert 50 < caught.value.retry_after_seconds <= 60 and len(asked) == 1


def test_a_forge_that_names_a_time_next_year_is_asked_again_in_an_hour() -> None:
    forge, _ = answering(httpx.Response(503, headers={"Retry-After": "9" * 30}))
    with pytest.raises(ForgeError):
        forge.get("/x")
    assert 3500 < forge.allowances.of().budget.standing().paused_for <= 3600


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "1e3", "", "²"])
def test_a_limit_that_is_no_number_is_no_limit(number: str) -> None:
    headers = {"RateLimit-Remaining": number.encode(), "RateLimit-Reset": b"60"}
    forge, _ = answering(httpx.Response(200, json=[], headers=headers))
    assert forge.get("/x") == [] and forge.allowances.of().budget.standing().left is None


def test_what_did_not_change_costs_nothing_where_the_forge_says_so() -> None:
    told = {
        "X-RateLimit-Remaining": "3",
        "X-RateLimit-Reset": str(int(time.time()) + 600),
        "X-RateLimit-Limit": "9",
    }
    first = httpx.Response(200, json=1, headers={"ETag": '"one"', **told})
    forge, _ = answering(first, *[httpx.Response(304, headers=told) for _ in range(9)])
    assert [forge.get("/x") for _ in range(10)] == [1] * 10
    assert forge.allowances.of().budget.standing().left == 3


def test_what_a_forge_writes_in_headers_is_passed_on_whatever_it_is() -> None:
    headers = {"ETag": '"one"', "X-Name": "Zoë".encode("latin-1")}
    forge, _ = answering(httpx.Response(200, json=1, headers=headers), httpx.Response(304, headers=headers))
    assert [forge.get("/x"), forge.get("/x")] == [1, 1]


def test_a_forge_may_write_the_seconds_that_are_left() -> None:
    headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}
    forge, _ = answering(httpx.Response(200, json=[], headers=headers))
    forge.get("/x")
    assert 20 < forge.allowances.of().budget.standing().wait <= 30


def test_a_time_by_the_forges_clock_is_understood_by_it() -> None:
    there = timezone.now() - timedelta(days=400)
    headers = {
        "Date": format_datetime(there),
        "Retry-After": format_datetime(there + timedelta(seconds=600)),
    }
    forge, _ = answering(httpx.Response(503, headers=headers))
    with pytest.raises(ForgeError) as caught:
        forge.get("/x")
    assert 500 < caught.value.retry_after_seconds <= 601


def test_the_budget_is_read_from_every_answer() -> None:
    there = timezone.now() + timedelta(days=2)
    headers = {
        "Date": format_datetime(there),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(there.timestamp()) + 300),
    }
    forge, asked = answering(httpx.Response(200, json=[], headers=headers))
    assert forge.get("/x") == []
    with pytest.raises(ForgeError) as caught:
        forge.get("/y")
    assert 200 < caught.value.retry_after_seconds <= 301 and len(asked) == 1
